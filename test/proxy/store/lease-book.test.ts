import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Caps, Excess } from '@sallyport/proxy/census.js'
import { excessSpan } from '@sallyport/proxy/store/leases/hot-excess.js'
import { type Coming, LeaseBook, type Places, turn } from '@sallyport/proxy/store/leases/lease-book.js'
import fc from 'fast-check'
import { Clock } from '../../simulate/clock.ts'
import { OpenNetworks } from '../../simulate/open-networks.ts'
import { runs } from '../../support/properties.ts'

const lease = 30
const caps = { perClient: 3, perNetwork: 5 }
const network = '192.0.2.0/24'
/** Seconds that a command, or its answer, is on its way. */
const way = 0.01

/** Gates with one table in virtual time; all of them in one network. */
class Town {
  readonly clock = new Clock(0)
  readonly table = new OpenNetworks()
  isUp = true
  commands = 0
  private born = 0

  gate(): Gate {
    return new Gate(this, `gate${this.born++}`)
  }

  /** Done when it arrives; the answer comes as much later. null: it is not there. */
  async ask<Answer>(command: () => Answer): Promise<{ readonly answer: Answer } | null> {
    await this.clock.wait(way)
    if (!this.isUp) return null
    this.commands++
    const answer = command()
    await this.clock.wait(way)
    return { answer }
  }

  count(client: string): number {
    return this.table.count(network, client, this.clock.now)
  }
}

class Gate {
  readonly book: LeaseBook
  readonly open: string[] = []
  private underWay = 0
  private isDead = false
  private readonly town: Town

  constructor(town: Town, name: string) {
    this.town = town
    const { clock, table } = town
    this.book = new LeaseBook(
      {
        enter: async coming => (await this.ask(() => table.enter(name, lease, coming, clock.now))) ?? 'unheard',
        tell: async (of, counts) =>
          (await this.ask(() => {
            table.tell(name, lease, of, counts, clock.now)
            return true
          })) ?? false,
      },
      lease * 1000,
      () => clock.after(0, () => this.isDead || this.book.flush(clock.now * 1000)),
    )
    this.turn()
  }

  /** null: it is not there. */
  private async ask<Answer>(command: () => Answer): Promise<Answer | null> {
    assert.equal(this.underWay++, 0, 'of one network one command at a time')
    const asked = await this.town.ask(command)
    this.underWay--
    return asked === null ? null : asked.answer
  }

  async come(client: string): Promise<boolean> {
    const excess = await this.enter(client, caps)
    if (excess !== null || this.isDead) return false
    this.open.push(client)
    return true
  }

  enter(client: string, caps: Caps): Promise<Excess | null> {
    return this.book.enter({ client, network }, caps, this.town.clock.now * 1000)
  }

  go(client: string): void {
    const at = this.open.indexOf(client)
    if (at < 0) return
    this.open.splice(at, 1)
    this.book.leave({ client, network })
  }

  kill(): void {
    this.isDead = true
    this.open.length = 0
  }

  private turn(): void {
    if (this.isDead) return
    this.book.renew(this.town.clock.now * 1000)
    this.town.clock.after(0.1, () => this.turn())
  }
}

const openOf = (gates: readonly Gate[], client?: string): number =>
  gates.reduce((sum, { open }) => sum + open.filter(one => client === undefined || one === client).length, 0)

type Deed = { readonly gate: number; readonly client: string; readonly does: 'come' | 'go' | 'kill' | 'wait' }

const deed = (...does: readonly Deed['does'][]) =>
  fc.record<Deed>({ gate: fc.nat(2), client: fc.constantFrom('a', 'b', 'c'), does: fc.constantFrom(...does) })

const deeds = fc.oneof(
  fc.array(deed('come', 'come', 'come', 'come', 'go', 'go'), { maxLength: 60 }),
  fc.array(deed('come', 'come', 'come', 'come', 'go', 'go', 'kill', 'wait'), { maxLength: 60 }),
)

/** Two deeds may be nearer than a command takes, so that answers cross. */
const pauses = fc.array(fc.constantFrom(0, 0, 0.003, 0.015, 0.05), { minLength: 60, maxLength: 60 })

async function play(story: readonly Deed[], waits: readonly number[]) {
  const town = new Town()
  const gates = [town.gate(), town.gate(), town.gate()]
  let most = 0
  for (const [i, { gate: at, client, does }] of story.entries()) {
    const gate = gates[at] as Gate
    if (does === 'come') void gate.come(client)
    else if (does === 'go') gate.go(client)
    else if (does === 'kill') {
      gate.kill()
      gates[at] = town.gate()
    } else await town.clock.run(town.clock.now + 20)
    await town.clock.run(town.clock.now + (waits[i] ?? 0))
    most = Math.max(most, openOf(gates), ...['a', 'b', 'c'].map(one => openOf(gates, one)))
    for (const one of ['a', 'b', 'c']) assert.ok(openOf(gates, one) <= caps.perClient, `${one} at ${town.clock.now}`)
    assert.ok(openOf(gates) <= caps.perNetwork)
  }
  return { town, gates, most }
}

describe('the book of leases', () => {
  // Invariant: over all gates no more connections are open than a client and a network may have, however questions and answers cross and gates die.
  it('lets in no more than there are places', async () => {
    let most = 0
    const property = fc.asyncProperty(deeds, pauses, async (story, waits) => {
      most = Math.max(most, (await play(story, waits)).most)
    })
    await fc.assert(property, runs(300))
    assert.equal(most, caps.perNetwork, 'all places were taken')
  })

  // Invariant: soon after, and of gates that were killed a lease later, the table says of every name exactly what is open, and nothing else.
  it('agrees with the table in the end', async () => {
    const property = fc.asyncProperty(deeds, pauses, async (story, waits) => {
      const { town, gates } = await play(story, waits)
      const agree = () => {
        for (const one of ['a', 'b', 'c']) assert.equal(town.count(one), openOf(gates, one), one)
        assert.equal(town.count('*'), openOf(gates))
        for (const { book, open } of gates)
          assert.equal(book.size, open.length > 0 ? 1 : 0, 'who has left is forgotten')
      }
      await town.clock.run(town.clock.now + 0.2)
      if (!story.some(({ does }) => does === 'kill')) agree()
      await town.clock.run(town.clock.now + lease + 1)
      agree()
    })
    await fc.assert(property, runs(200))
  })

  it('keeps few of those that come and go while the table is away, however many they are', async () => {
    const told: number[] = []
    const table = {
      enter: async (): Promise<Places | 'unheard'> => 'unheard',
      tell: async (_: string, counts: readonly (string | number)[]) => {
        told.push(counts.length / 2)
        return false
      },
    }
    const book = new LeaseBook(table, lease * 1000, () => undefined)
    await book.enter({ client: 'stays', network }, caps, 0)
    for (let i = 0; i < 3000; i++) {
      await book.enter({ client: `${i}`, network }, caps, i)
      book.leave({ client: `${i}`, network })
      book.flush(i)
    }
    told.length = 0
    book.renew(3100)
    await new Promise(resolve => setImmediate(resolve))
    const names = told.reduce((sum, one) => sum + one, 0)
    assert.ok(names > 1 && names <= 104, `${names}`)
  })

  it('keeps the place of who stays for hours, and gives that of a killed gate to others within the lease', async () => {
    const town = new Town()
    const [one, other] = [town.gate(), town.gate()]
    for (let i = 0; i < 3; i++) assert.ok(await during(town, one.come('a')))
    for (let i = 0; i < 100; i++) {
      await town.clock.run(town.clock.now + 97)
      assert.equal(await during(town, other.come('a')), false, `after ${town.clock.now} s`)
    }
    one.kill()
    await town.clock.run(town.clock.now + lease / 2 - 1)
    assert.equal(await during(town, other.come('a')), false)
    await town.clock.run(town.clock.now + lease / 2 + 1)
    assert.ok(await during(town, other.come('a')))
  })

  it('lets everybody in while the table is away, and has told it all of it soon after it is back', async () => {
    const town = new Town()
    const [one, other] = [town.gate(), town.gate()]
    assert.ok(await during(town, one.come('a')))
    town.isUp = false
    for (let i = 0; i < 4; i++) assert.ok(await during(town, one.come('b')))
    one.go('a')
    await town.clock.run(town.clock.now + 600)
    town.table.clear()
    town.isUp = true
    await town.clock.run(town.clock.now + 1)
    assert.deepEqual([town.count('a'), town.count('b'), town.count('*')], [0, 4, 4])
    assert.equal(await during(town, other.come('b')), false)
  })

  it('tells a network that many leave at once', async () => {
    const town = new Town()
    const gate = town.gate()
    for (const client of ['a', 'a', 'a', 'b', 'b']) assert.ok(await during(town, gate.come(client)))
    const before = town.commands
    for (const client of ['a', 'a', 'b', 'b']) gate.go(client)
    await town.clock.run(town.clock.now + 1)
    assert.equal(town.commands - before, 1)
    assert.deepEqual([town.count('a'), town.count('b'), town.count('*')], [1, 0, 1])
  })

  it('asks once and again for a thousand that come at once, and lets in as many as there are places', async () => {
    const town = new Town()
    const gate = town.gate()
    const wide = { perClient: 50, perNetwork: 330 }
    const answers = Array.from({ length: 1000 }, (_, i) => gate.enter(`${i % 250}`, wide))
    const found = await during(town, Promise.all(answers))
    assert.deepEqual(tally(found), { in: 330, per_network: 670 })
    assert.equal(town.commands, 5, 'one, and then a hundred at a time, to the first that is one too many')
    assert.equal(town.count('*'), 330)
    assert.equal(town.count('0'), 2)
  })

  it('asks four times a second for who is one too many, and at once when one has left here', async () => {
    const town = new Town()
    const [one, other] = [town.gate(), town.gate()]
    for (let i = 0; i < 3; i++) assert.ok(await during(town, one.come('a')))
    const before = town.commands
    for (const end = town.clock.now + 1; town.clock.now < end; await town.clock.run(town.clock.now + 0.001))
      assert.deepEqual(
        await during(
          town,
          Promise.all(
            Array(50)
              .fill('a')
              .map(a => other.come(a)),
          ),
        ),
        Array(50).fill(false),
      )
    assert.ok(town.commands - before <= 5, `${town.commands - before}`)
    assert.ok(await during(town, other.come('b')), 'its neighbour has a place')
    assert.equal(await during(town, one.come('a')), false)
    one.go('a')
    assert.ok(await during(town, one.come('a')))
    one.go('a')
    await town.clock.run(town.clock.now + excessSpan / 1000 + way)
    assert.ok(await during(town, other.come('a')), 'one that has left at another gate is known soon')
  })

  it('does not keep an answer behind which one has left', async () => {
    const town = new Town()
    const gate = town.gate()
    for (let i = 0; i < 3; i++) assert.ok(await during(town, gate.come('a')))
    const fourth = gate.come('a')
    await town.clock.run(town.clock.now + 1.5 * way)
    gate.go('a')
    assert.equal(await during(town, fourth), false)
    assert.ok(await during(town, gate.come('a')))
  })

  it('asks anew when the cap is higher than it was', async () => {
    const town = new Town()
    const [one, other] = [town.gate(), town.gate()]
    for (let i = 0; i < 3; i++) assert.ok(await during(town, one.come('a')))
    assert.equal(await during(town, other.come('a')), false)
    assert.equal(await during(town, other.enter('a', { ...caps, perClient: 4 })), null)
  })

  for (const [seconds, perSecond, atOnce] of [
    [2, 10_000, 2000],
    [30, 667, 134],
    [600, 33, 126],
  ] as const)
    it(`renews ten thousand networks in time with a lease of ${seconds} s: ${perSecond} commands a second, ${atOnce} in one turn at most`, async () => {
      const { longest, commands, most } = await renewed(seconds * 1000, 10_000)
      assert.ok(longest < seconds * 1000, `nothing was said for ${longest} ms`)
      assert.ok(Math.abs(commands / perSecond - 1) < 0.4, `${commands}`)
      assert.ok(most <= atOnce, `${most}`)
    })
})

/** Networks that come at once and stay for four leases: the longest time in which nothing was said of one, commands a second, and in one turn. */
async function renewed(lease: number, count: number) {
  const saidAt = new Map<string, number>()
  let [now, longest, commands, inTurn, most] = [0, 0, 0, 0, 0]
  const tell = (network: string): Promise<boolean> => {
    longest = Math.max(longest, now - (saidAt.get(network) ?? 0))
    saidAt.set(network, now)
    commands++
    inTurn++
    return Promise.resolve(true)
  }
  const enter = ({ comers }: Coming): Promise<Places> => Promise.resolve(comers.map(() => null))
  const book = new LeaseBook({ enter, tell }, lease, () => {})
  const all = { perClient: 1, perNetwork: 1 }
  for (let i = 0; i < count; i++) await book.enter({ client: `${i}`, network: `${i}` }, all, 0)
  await settled()
  for (const end = 4 * lease; now < end; now += turn) {
    inTurn = 0
    book.renew(now)
    await settled()
    most = Math.max(most, inTurn)
  }
  for (let i = 0; i < count; i++) longest = Math.max(longest, now - (saidAt.get(`${i}`) ?? 0))
  return { longest, commands: commands / ((4 * lease) / 1000), most }
}

/** All that was answered has gone on. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function tally(found: readonly (Excess | null)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const each of found) counts[each ?? 'in'] = (counts[each ?? 'in'] ?? 0) + 1
  return counts
}

/** What comes of it while time goes on. */
async function during<T>(town: Town, answer: Promise<T>): Promise<T> {
  let done = false
  void answer.then(() => {
    done = true
  })
  while (!done) await town.clock.run(town.clock.now + way)
  return answer
}
