import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Excess } from '@sallyport/proxy/census.js'
import type { Store } from '@sallyport/proxy/store/index.js'
import { usualFading, usualSuspectFrom } from '@sallyport/rules'

/** A store under test, and the time it lives in. */
export interface Subject {
  readonly store: Store
  /** Lets seconds pass for everything that is remembered. */
  advance(seconds: number): Promise<void>
  /** Returns when what was remembered is where it is to be. */
  settle(): Promise<void>
  /** Closes the store and whatever it needed. */
  end(): Promise<void>
}

const sorted = (names: readonly string[]) => [...names].sort()

/** What every store does, whatever it keeps its clients in. `forgetsEverywhere`: what `forget` answers. */
export function storeContract(name: string, open: () => Promise<Subject>, forgetsEverywhere = true): void {
  describe(`the contract of a store: ${name}`, () => {
    let subject: Subject
    let store: Store
    let count = 0
    /** A client that no other test has met. */
    const newClient = () => `2001:db8:0:${(count++).toString(16)}::/64`

    before(async () => {
      subject = await open()
      store = subject.store
    })
    after(() => subject.end())

    async function remember(client: string, passed: Record<string, number>, failed: Record<string, number> = {}) {
      store.remember(client, { passed, failed })
      await subject.settle()
    }

    async function expect(client: string, passed: readonly string[], failed: readonly string[] = []) {
      const record = await store.recall(client)
      assert.deepEqual({ passed: sorted(record.passed), failed: sorted(record.failed) }, { passed, failed })
    }

    it('knows nothing of a client that it has not met', async () => {
      await expect(newClient(), [])
    })

    it('remembers passes and failures by name, and of each client its own', async () => {
      const [one, two] = [newClient(), newClient()]
      await remember(one, { pregreet: 1000, 'helo-syntax': 1000 }, { pipelining: 1000 })
      await remember(two, {}, { pregreet: 1000 })
      await expect(one, ['helo-syntax', 'pregreet'], ['pipelining'])
      await expect(two, [], ['pregreet'])
    })

    it('lets each name expire by its own ttl', async () => {
      const client = newClient()
      await remember(client, { pregreet: 1000, dnsbl: 5000 }, { pipelining: 3000 })
      await subject.advance(900)
      await expect(client, ['dnsbl', 'pregreet'], ['pipelining'])
      await subject.advance(200)
      await expect(client, ['dnsbl'], ['pipelining'])
      await subject.advance(2000)
      await expect(client, ['dnsbl'])
      await subject.advance(2000)
      await expect(client, [])
    })

    it('adds lessons up', async () => {
      const client = newClient()
      await remember(client, { pregreet: 1000 })
      await remember(client, { dnsbl: 1000 })
      await remember(client, {}, { pipelining: 1000 })
      await expect(client, ['dnsbl', 'pregreet'], ['pipelining'])
    })

    it('keeps of two lessons on one name the one that lasts longer', async () => {
      const client = newClient()
      await remember(client, { pregreet: 5000, dnsbl: 1000 }, { pipelining: 5000 })
      await remember(client, { pregreet: 1000, dnsbl: 5000 }, { pipelining: 1000 })
      await subject.advance(3000)
      await expect(client, ['dnsbl', 'pregreet'], ['pipelining'])
    })

    it('takes a pass back when the same check is failed, and leaves the other passes', async () => {
      const client = newClient()
      await remember(client, { pregreet: 5000, dnsbl: 5000 })
      await remember(client, {}, { pregreet: 1000 })
      await expect(client, ['dnsbl'], ['pregreet'])
      await subject.advance(2000)
      await expect(client, ['dnsbl'])
    })

    it('keeps a failure for the whole of its ttl, though the check is passed in between', async () => {
      const client = newClient()
      await remember(client, {}, { pregreet: 3000 })
      await remember(client, { pregreet: 5000 })
      await expect(client, ['pregreet'], ['pregreet'])
      await subject.advance(4000)
      await expect(client, ['pregreet'])
    })

    it('believes the failure where one lesson says both', async () => {
      const client = newClient()
      await remember(client, { pregreet: 5000, dnsbl: 5000 }, { pregreet: 1000 })
      await expect(client, ['dnsbl'], ['pregreet'])
    })

    it('leaves out what would hold for less than a second', async () => {
      const client = newClient()
      await remember(client, { pregreet: 0, dnsbl: -5, 'helo-syntax': Number.NaN, access: 0.5 }, { pipelining: 0 })
      await expect(client, [])
      await remember(client, { pregreet: 1000 }, { dnsbl: 0 })
      await remember(client, {}, { pregreet: 0 })
      await expect(client, ['pregreet'])
    })

    it('remembers what is said to last for ever', async () => {
      const client = newClient()
      await remember(client, { access: Number.POSITIVE_INFINITY })
      await subject.advance(86_400 * 365)
      await expect(client, ['access'])
    })

    it('treats names of anything as names', async () => {
      const client = newClient()
      await remember(client, { constructor: 1000, toString: 1000 }, { 'p:x': 1000 })
      await expect(client, ['constructor', 'toString'], ['p:x'])
    })

    /** What is known of mail, with one digit behind the point. */
    async function reputeOf(client: string) {
      const { repute } = await store.recall(client)
      return repute === null
        ? null
        : [repute.score, repute.accepted, repute.content, repute.unknown].map(one => Math.round(one * 10) / 10)
    }

    async function learn(client: string, score: number, accepted = 0, content = 0, unknown = 0) {
      store.remember(client, { passed: {}, failed: {}, repute: { score, accepted, content, unknown } })
      await subject.settle()
    }

    it('remembers what is known of mail, and adds to it', async () => {
      const [one, two] = [newClient(), newClient()]
      assert.equal(await reputeOf(one), null)
      await learn(one, 8, 0, 1, 3)
      await learn(one, -3, 3)
      await learn(two, -2, 2)
      assert.deepEqual(await reputeOf(one), [5, 3, 1, 3])
      assert.deepEqual(await reputeOf(two), [-2, 2, 0, 0])
    })

    it('lets mail fade by the weights that were given last', async () => {
      const client = newClient()
      await learn(client, 4)
      store.renew({ suspectFrom: usualSuspectFrom, fading: { bad: 3600, good: 3600 } })
      await subject.advance(3600)
      assert.equal((await reputeOf(client))?.[0], 2)
      store.renew({ suspectFrom: usualSuspectFrom, fading: usualFading })
    })

    it('lets what is known of mail fade, the good more slowly than the bad', async () => {
      const [bad, good] = [newClient(), newClient()]
      await learn(bad, 8, 4, 2, 6)
      await learn(good, -8, 8)
      await subject.advance(86_400)
      assert.deepEqual(await reputeOf(bad), [4, 3.6, 1, 3])
      assert.deepEqual(await reputeOf(good), [-7.2, 7.2, 0, 0])
      await learn(bad, 8)
      assert.deepEqual(await reputeOf(bad), [12, 3.6, 1, 3])
      await subject.advance(6 * 86_400)
      assert.deepEqual(await reputeOf(good), [-4, 4, 0, 0])
      await subject.advance(60 * 86_400)
      assert.equal(await reputeOf(bad), null)
      assert.equal(await reputeOf(good), null)
    })

    it('counts a good word once in 20 hours, whatever was heard between them, and the mail always', async () => {
      const client = newClient()
      await learn(client, -4, 1)
      await learn(client, -4, 1)
      await learn(client, 1)
      await learn(client, -4, 1)
      assert.deepEqual(await reputeOf(client), [-3, 3, 0, 0])
      await subject.advance(19 * 3600)
      await learn(client, -4)
      assert.deepEqual(await reputeOf(client), [-2.8, 2.8, 0, 0])
      await subject.advance(3601)
      await learn(client, -4)
      const [score] = (await reputeOf(client)) ?? []
      assert.ok(score !== undefined && score < -6.6, `${score}`)
    })

    it('bounds what is known of mail', async () => {
      const client = newClient()
      await learn(client, -25, 9000)
      await learn(client, 0, 9000)
      assert.deepEqual(await reputeOf(client), [-20, 9999, 0, 0])
      await learn(client, 70)
      await learn(client, 70)
      assert.deepEqual(await reputeOf(client), [80, 9999, 0, 0])
    })

    it('keeps checks and mail apart, each for as long as it lasts', async () => {
      const client = newClient()
      await remember(client, { pregreet: 1000 }, { dnsbl: 86_400 * 30 })
      await learn(client, 1)
      await expect(client, ['pregreet'], ['dnsbl'])
      assert.deepEqual(await reputeOf(client), [1, 0, 0, 0])
      await subject.advance(86_400 * 3)
      await expect(client, [], ['dnsbl'])
      assert.equal(await reputeOf(client), null)
    })

    it('forgets what is known of mail when it is nothing any more', async () => {
      const client = newClient()
      await learn(client, 8)
      await learn(client, -8)
      assert.equal(await reputeOf(client), null)
      await expect(client, [])
    })

    it('greylists: defers for the delay, and lets in who comes again within the window, for as long as is kept', async t => {
      const times = { delay: 300, window: 14_400, keep: 86_400 }
      const [one, two, late] = ['one', 'two', 'late'].map(word => `${name} ${word}`.slice(-40)) as [
        string,
        string,
        string,
      ]
      const left = async (who: string) => {
        const foreseen = await store.greylistLeft(who, times)
        const met = await store.greylist(who, times)
        // A clock of seconds may go on between the two.
        if (met !== null) assert.ok(foreseen !== null && Math.abs(foreseen - met) <= 1, `${foreseen} is not ${met}`)
        return met
      }
      if ((await left(one)) === null) return t.diagnostic('lets everybody in')
      assert.equal(await left(late), 300)
      await subject.advance(100)
      assert.ok(Math.abs(((await left(one)) ?? 0) - 200) <= 2)
      assert.equal(await left(two), 300, 'each for itself')
      await subject.advance(250)
      assert.equal(await left(one), 0)
      await subject.advance(80_000)
      assert.equal(await left(one), 0, 'and is kept anew')
      assert.equal(await left(late), 300, 'after the window it begins anew')
      await subject.advance(80_000)
      assert.equal(await left(one), 0)
      await subject.advance(90_000)
      assert.equal(await left(one), 300)
    })

    it('counts what comes, lets in as many as the rate says, and not those that are beyond it', async () => {
      const rate = { count: 4, period: 4000 }
      const short = (who: string) => `${name} ${who}`.slice(-40)
      const round = (beyond: { readonly wait: number } | null) => Math.round((beyond?.wait ?? 0) / 10) * 10
      const counted = [{ name: '', rate }]
      const count = async (who: string) => round(await store.rate(short(who), counted))
      const foresee = async (who: string) => round(await store.rateLeft(short(who), counted))
      const first = await Promise.all(Array.from({ length: 6 }, () => count('one')))
      assert.deepEqual(first, [0, 0, 0, 0, 1000, 1000])
      for (let asked = 0; asked < 6; asked++) assert.equal(await foresee('two'), 0, 'who asks is not counted')
      assert.equal(await count('two'), 0, 'each for itself')
      assert.equal(await foresee('one'), 1000)
      await subject.advance(1020)
      assert.equal(await count('one'), 0)
      assert.equal(await count('one'), 980)
      await subject.advance(8000)
      assert.deepEqual(await Promise.all(Array.from({ length: 5 }, () => count('one'))), [0, 0, 0, 0, 1000])
    })

    it('lets nobody wait longer than for the next, however long the period was before', async () => {
      const place = `${name} period`.slice(-40)
      assert.equal(await store.rate(place, [{ name: '', rate: { count: 1, period: 4000 } }]), null)
      const beyond = await store.rate(place, [{ name: '', rate: { count: 2, period: 100 } }])
      assert.ok(beyond !== null && beyond.wait > 40 && beyond.wait <= 50, `${beyond?.wait}`)
    })

    it('counts a connection under all its names in a place, or under none', async () => {
      const place = `${name} place`.slice(-40)
      const [few, many] = [
        { count: 2, period: 4000 },
        { count: 5, period: 4000 },
      ]
      const beyond = async (who: string) => {
        const counted = [
          { name: who, rate: few },
          { name: '', rate: many },
        ]
        const foreseen = await store.rateLeft(place, counted)
        const met = await store.rate(place, counted)
        assert.equal(foreseen?.name, met?.name)
        return met?.name ?? null
      }
      const said: (string | null)[] = []
      for (let i = 0; i < 6; i++) said.push(await beyond('one'))
      assert.deepEqual(said, [null, null, 'one', 'one', 'one', 'one'])
      assert.deepEqual([await beyond('two'), await beyond('two'), await beyond('two')], [null, null, 'two'])
      assert.deepEqual([await beyond('three'), await beyond('three'), await beyond('three')], [null, '', ''])
      // The place has room again before `one` has, and of `three` only one was counted.
      await subject.advance(830)
      assert.deepEqual([await beyond('one'), await beyond('three'), await beyond('four')], ['one', null, ''])
    })

    describe('places', () => {
      const caps = { perClient: 2, perNetwork: 3 }
      let networks = 0
      /** A network that no other test has met. */
      const newNetwork = () => `2001:db8:${(++networks).toString(16)}::/48`
      /** Only a shared store adds anything to what its gate counts itself. */
      const orNull = (excess: Excess) => (store.health.kind === 'redis' && store.health.up ? excess : null)

      it('are as many as a client, and a network, may have', async () => {
        const network = newNetwork()
        const enter = (client: string) => store.enter({ client, network }, caps)
        const found = [await enter('a'), await enter('a'), await enter('a'), await enter('b'), await enter('b')]
        assert.deepEqual(found, [null, null, orNull('per_client'), null, orNull('per_network')])
        assert.equal(await store.enter({ client: 'a', network: newNetwork() }, caps), null, 'each network for itself')
      })

      it('are given back, and who was turned away has taken none', async () => {
        const network = newNetwork()
        const [a, b] = [
          { client: 'a', network },
          { client: 'b', network },
        ]
        for (let i = 0; i < 4; i++) await store.enter(a, caps)
        assert.equal(await store.enter(b, caps), null)
        if (orNull('per_client') === null) return
        assert.equal(await store.enter(b, caps), 'per_network')
        store.leave(a)
        assert.equal(await store.enter(b, caps), null)
        store.leave(b)
        assert.equal(await store.enter(a, caps), null)
        assert.equal(await store.enter(a, caps), 'per_client')
      })

      it('go to those who came first, when many come at once', async () => {
        const network = newNetwork()
        const found = await Promise.all(['a', 'a', 'a', 'b', 'b'].map(client => store.enter({ client, network }, caps)))
        assert.deepEqual(found, [null, null, orNull('per_client'), null, orNull('per_network')])
        // Those who were turned away are not counted.
        store.leave({ client: 'a', network })
        assert.equal(await store.enter({ client: 'b', network }, caps), null)
      })
    })

    it('forgets a client, and only that one', async () => {
      const [one, two] = [newClient(), newClient()]
      await remember(one, { pregreet: 1000 }, { dnsbl: 1000 })
      await remember(two, { pregreet: 1000 })
      assert.equal(await store.forget(one), forgetsEverywhere)
      await expect(one, [])
      await expect(two, ['pregreet'])
      assert.equal(await store.forget(newClient()), forgetsEverywhere)
    })

    it('answers many at once', async () => {
      const clients = Array.from({ length: 200 }, newClient)
      for (const client of clients) store.remember(client, { passed: { pregreet: 1000 }, failed: {} })
      await subject.settle()
      const records = await Promise.all(clients.map(client => store.recall(client)))
      assert.deepEqual(new Set(records.map(record => record.passed.join())), new Set(['pregreet']))
    })

    it('counts what it was asked', async () => {
      const { remembers } = store.health
      store.remember(newClient(), { passed: { pregreet: 1000 }, failed: {} })
      await subject.settle()
      const { recalls } = store.health
      await store.recall(newClient())
      assert.equal(store.health.recalls, recalls + 1)
      // What is not written yet is not counted.
      assert.equal(store.health.remembers, store.health.up ? remembers + 1 : remembers)
      assert.equal(store.health.rememberErrors, 0)
      assert.equal(store.health.recallErrors, 0)
      assert.ok(store.health.clients > 0)
    })
  })
}
