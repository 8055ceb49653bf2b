import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ArmingChange,
  type BackendReplies,
  type BreakerLimits,
  Breakers,
  type CheckName,
  Facts,
  type Instant,
  judge,
  makePlan,
  type Policy,
  Tally,
} from '@sallyport/rules'
import fc from 'fast-check'

const minute = 60_000
const limits = { window: 60 * minute, clients: 3, share: 10, leap: 5, sessions: 50, rest: 15 * minute }

const failing: Partial<Facts> = { pregreetBytes: 6 }
const passing: Partial<Facts> = { greetWait: 6000, greeted: true }
const good = { score: 0, trust: 6, unknown: 0, accepted: 4 }
/** Has had mail taken, today. */
const recent = { score: 0, trust: 4, unknown: 0, accepted: 4 }
const backend: BackendReplies = { mail: {}, rcpt: { accepted: 1 }, dot: { accepted: 1 } }
const bad = { score: 8, trust: 0, unknown: 0, accepted: 4 }

/** A gate that only has its breakers, and a clock that is set. */
class Gate {
  readonly changes: ArmingChange[] = []
  readonly breakers
  readonly plan
  now: Instant = 0
  private networks = 0

  constructor(policy: Policy = {}, other: Partial<BreakerLimits> = {}) {
    this.plan = makePlan(policy)
    this.breakers = new Breakers({ ...limits, ...other }, change => this.changes.push(change))
  }

  /** A session comes and goes; without a network it is of one that was never seen. */
  session(
    seen: Partial<Facts>,
    proxy: string | null = null,
    network = `net ${this.networks++}`,
    name: string | null = `name of ${network}`,
  ): this {
    const tally = new Tally(this.plan, this.breakers.disarmedFor(proxy, this.now))
    const facts = Object.assign(new Facts(), seen)
    judge(facts, this.plan, tally)
    this.breakers.note({ plan: this.plan, tally, facts, network, name, proxy }, this.now)
    return this
  }

  sessions(count: number, seen: Partial<Facts>, proxy: string | null = null): this {
    for (let i = 0; i < count; i++) this.session(seen, proxy)
    return this
  }

  later(ms: number): this {
    this.now += ms
    return this
  }

  disarmed(proxy: string | null = null): readonly CheckName[] {
    return [...this.breakers.disarmedFor(proxy, this.now)]
  }

  get told(): readonly string[] {
    return this.changes.map(({ check, proxy, reason }) => [check, reason ?? 'armed', proxy ?? ''].join(' ').trim())
  }
}

test('a check that fails known good clients of several networks only observes, and that is told once', () => {
  const gate = new Gate().sessions(2, { ...failing, standing: good })
  assert.deepEqual(gate.disarmed(), [])
  gate.sessions(5, { ...failing, standing: good })
  assert.deepEqual(gate.disarmed(), ['pregreet'])
  assert.deepEqual(gate.told, ['pregreet good_clients'])
})

test('one good client that fails again and again is one', () => {
  const gate = new Gate()
  for (let i = 0; i < 20; i++) gate.session({ ...failing, standing: good }, null, 'the same')
  assert.deepEqual(gate.disarmed(), [])
})

test('those who failed longer ago than the window do not count', () => {
  const gate = new Gate()
  for (let i = 0; i < 20; i++) gate.session({ ...failing, standing: good }).later(31 * minute)
  assert.deepEqual(gate.disarmed(), [])
})

test('a few among many good clients that pass do not disarm', () => {
  const gate = new Gate().sessions(200, { ...passing, standing: good }).sessions(5, { ...failing, standing: good })
  assert.deepEqual(gate.disarmed(), [])
  gate.sessions(5, { ...failing, standing: good })
  assert.deepEqual(gate.disarmed(), ['pregreet'], 'ten of the last hundred')
})

test('an attack of strangers disarms nothing, however many fail', () => {
  const gate = new Gate()
  for (let i = 0; i < 500; i++)
    gate
      .session({ ...passing, standing: good })
      .session(passing)
      .later(minute)
  for (let i = 0; i < 5000; i++) gate.session(failing).later(100)
  gate.sessions(50, { ...failing, standing: bad })
  assert.deepEqual(gate.disarmed(), [])
})

test('who wants to disarm a check needs several networks, of more than one name, each with days behind it', () => {
  const fails = { ...failing, standing: good }
  // As often as he likes, among few others: he is one network.
  const hammering = new Gate().sessions(20, { ...passing, standing: good })
  for (let i = 0; i < 1000; i++) hammering.session(fails, null, `his ${i % 2}`)
  assert.deepEqual(hammering.told, [])
  // One name in many networks.
  const many = new Gate()
  for (let i = 0; i < 50; i++) many.session(fails, null, `his ${i}`, 'spf:his.example')
  assert.deepEqual(many.told, [])
  assert.deepEqual(many.session(fails, null, 'another', 'spf:other.example').told, ['pregreet good_clients'])
  // Names of today.
  assert.deepEqual(new Gate().sessions(50, { ...failing, standing: recent }).told, [])
})

test('while it is disarmed a good client prolongs that only by mail that the backend takes', () => {
  const fails = { ...failing, standing: good }
  const free = new Gate().sessions(3, fails)
  for (let i = 0; i < 14; i++) free.later(minute).sessions(5, fails)
  assert.deepEqual(free.later(minute).disarmed(), [])
  const paid = new Gate().sessions(3, fails)
  for (let i = 0; i < 20; i++) paid.later(10 * minute).session({ ...fails, backend })
  assert.deepEqual(paid.disarmed(), ['pregreet'])
})

test('where the failures have leapt two good clients are enough', () => {
  const usual = () => {
    const gate = new Gate()
    for (let i = 0; i < 200; i++) {
      gate
        .sessions(9, passing)
        .session(i % 2 === 0 ? failing : passing)
        .session({ ...passing, standing: good })
      gate.later(10_000)
    }
    return gate
  }
  assert.deepEqual(
    usual()
      .sessions(2, { ...failing, standing: good })
      .disarmed(),
    [],
  )
  const gate = usual().sessions(600, failing)
  assert.deepEqual(gate.disarmed(), [])
  gate.session({ ...failing, standing: good })
  assert.deepEqual(gate.told, [])
  gate.session({ ...failing, standing: good })
  assert.deepEqual(gate.told, ['pregreet leap'])
})

test('a new gate knows nothing of what is usual, and sees no leap', () => {
  const gate = new Gate().sessions(40, failing).sessions(40, { ...passing, standing: good })
  assert.deepEqual(gate.sessions(2, { ...failing, standing: good }).disarmed(), [])
  // Few sessions, long ago, are no custom either.
  const quiet = new Gate()
    .sessions(40, passing)
    .later(30 * minute)
    .sessions(60, failing)
  assert.deepEqual(quiet.sessions(2, { ...failing, standing: good }).disarmed(), [])
})

test('it acts again after a rest in which nothing spoke against it, on trial first', () => {
  const gate = new Gate().sessions(3, { ...failing, standing: good })
  gate.later(10 * minute).session({ ...failing, standing: good, backend })
  assert.deepEqual(gate.later(14 * minute).disarmed(), ['pregreet'], 'the rest began anew')
  assert.deepEqual(gate.later(minute).disarmed(), [])
  // On trial two are enough, and the next rest is twice as long.
  assert.deepEqual(gate.session({ ...failing, standing: good }).disarmed(), [])
  gate.session({ ...failing, standing: good })
  assert.deepEqual(gate.later(29 * minute).disarmed(), ['pregreet'])
  assert.deepEqual(gate.later(minute).disarmed(), [])
  assert.deepEqual(gate.later(16 * minute).disarmed(), [])
  gate.later(60 * minute).session({ ...failing, standing: good })
  assert.deepEqual(gate.disarmed(), [], 'the trial is over')
  assert.deepEqual(gate.told, ['pregreet good_clients', 'pregreet armed', 'pregreet good_clients', 'pregreet armed'])
  gate.sessions(2, { ...failing, standing: good })
  assert.deepEqual(
    [gate.disarmed(), gate.later(15 * minute).disarmed()],
    [['pregreet'], []],
    'and its rest is the first',
  )
})

test('on trial two good clients are enough', () => {
  const gate = new Gate({}, { window: minute }).sessions(3, { ...failing, standing: good })
  assert.deepEqual(gate.later(16 * minute).disarmed(), [])
  assert.deepEqual(gate.sessions(2, { ...failing, standing: good }).disarmed(), ['pregreet'])
})

test('a check that is set to observe, whose breaker is off, or that is the operator’s own list, is left alone', () => {
  const policies: Policy[] = [
    { checks: { pregreet: { action: 'observe' } } },
    { checks: { pregreet: { breaker: false } } },
  ]
  for (const policy of policies) {
    const gate = new Gate(policy).sessions(10, { ...failing, standing: good })
    assert.deepEqual(gate.told, [])
  }
  assert.deepEqual(new Gate().sessions(10, { access: 'deny', standing: good }).told, [])
})

test('points that turn nobody away are not counted', () => {
  const score = (points: number): Policy => ({
    checks: { pregreet: { action: 'score', points } },
    score: { defer: 5, refuse: 10 },
  })
  assert.deepEqual(new Gate(score(4)).sessions(10, { ...failing, standing: good }).told, [])
  const gate = new Gate(score(5)).sessions(10, { ...failing, standing: good })
  assert.deepEqual(gate.told, ['pregreet good_clients'])
  gate
    .later(14 * minute)
    .session({ ...failing, standing: good, backend })
    .later(14 * minute)
  assert.deepEqual(gate.disarmed(), ['pregreet'], 'it would still turn them away')
})

test('a disarmed check observes, whatever it was to do, and a check whose breaker is off does not heed it', () => {
  const disarmed = new Set<CheckName>(['pregreet'])
  const verdict = (policy: Policy) => {
    const plan = makePlan(policy)
    return judge(Object.assign(new Facts(), failing), plan, new Tally(plan, disarmed)).action
  }
  assert.equal(verdict({}), 'none')
  assert.equal(verdict({ checks: { pregreet: { action: 'drop' } } }), 'none')
  assert.equal(verdict({ checks: { pregreet: { action: 'drop', breaker: false } } }), 'drop')
})

test('a source that answers nobody disarms its check, and one that answers some does not', () => {
  const policy: Policy = { checks: { 'no-reverse-name': { action: 'refuse' } } }
  const named: Partial<Facts> = { reverse: { kind: 'confirmed', name: 'a.example' } }
  const dead: Partial<Facts> = { reverse: { kind: 'failed' } }
  const gate = new Gate(policy).sessions(10, named).sessions(60, dead)
  assert.deepEqual(gate.disarmed(), [])
  gate.sessions(200, dead)
  assert.deepEqual(gate.told, ['no-reverse-name source'])
  gate
    .later(10 * minute)
    .sessions(100, named)
    .later(20 * minute)
  assert.deepEqual(gate.disarmed(), [])
})

test('a source is ill by ten networks without an answer since an established client had one, not by one client that asks what nobody knows', () => {
  const policy: Policy = { checks: { 'no-reverse-name': { action: 'refuse' } } }
  const dead: Partial<Facts> = { reverse: { kind: 'failed' } }
  const one = new Gate(policy)
  for (let i = 0; i < 1000; i++) one.session(dead, null, `net ${i % 9}`)
  assert.deepEqual(one.told, [])
  const many = new Gate(policy)
  const named: Partial<Facts> = { reverse: { kind: 'confirmed', name: 'a.example' }, standing: good }
  for (let i = 0; i < 100; i++) many.sessions(9, dead).session(named, null, 'net of old')
  for (let i = 0; i < 30; i++) many.sessions(100, dead).session(named, null, 'net of old')
  assert.deepEqual(many.told, ['no-reverse-name source'])
})

test('a source that fails its own test disarms its check until it is well', () => {
  const gate = new Gate({ checks: { dnsbl: { action: 'refuse' } } })
  gate.breakers.source('dnsbl', false, gate.now)
  assert.deepEqual(gate.later(300 * minute).disarmed(), ['dnsbl'])
  gate.breakers.source('dnsbl', true, gate.now)
  assert.deepEqual(gate.later(15 * minute).disarmed(), [])
  assert.deepEqual(gate.told, ['dnsbl source', 'dnsbl armed'])
})

test('a proxy whose clients nearly all fail is to blame, for its own clients alone', () => {
  const gate = new Gate()
  for (let i = 0; i < 60; i++) gate.session(passing).session(failing, '10.0.0.1')
  assert.deepEqual(gate.told, ['pregreet proxy 10.0.0.1'])
  assert.deepEqual(gate.disarmed('10.0.0.1'), ['pregreet'])
  assert.deepEqual([gate.disarmed('10.0.0.2'), gate.disarmed()], [[], []])
})

test('behind a proxy an attack is none of its faults: a known good client passes, or one network fails, or enough pass', () => {
  const attacked = new Gate().session({ ...passing, standing: recent }, '10.0.0.1').sessions(500, failing, '10.0.0.1')
  const hammered = new Gate()
  for (let i = 0; i < 500; i++) hammered.session(failing, '10.0.0.1', 'the same')
  const mixed = new Gate()
  for (let i = 0; i < 100; i++) mixed.session(passing, '10.0.0.1').sessions(5, failing, '10.0.0.1')
  for (const gate of [attacked, hammered, mixed]) assert.deepEqual(gate.told, [])
})

test('any number of proxies: only so many are told apart', () => {
  const gate = new Gate()
  for (let i = 0; i < 100; i++) for (let n = 0; n < 60; n++) gate.session(failing, `10.0.1.${i}`)
  assert.equal(gate.breakers.disarmed.length, 64)
})

test('any sessions of strangers: without an old good name, a proxy or a question nothing is ever disarmed', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(200), fc.nat(20 * minute)), { maxLength: 40 })
  fc.assert(
    fc.property(steps, story => {
      const gate = new Gate()
      for (const [fails, count, wait] of story)
        gate.sessions(count, { ...(fails ? failing : passing), standing: recent }).later(wait)
      assert.deepEqual(gate.told, [])
    }),
    { numRuns: 50 },
  )
})

test('any story: what is told of a check alternates, and what was told last is what holds', () => {
  const step = fc.tuple(fc.boolean(), fc.boolean(), fc.nat(20 * minute))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), story => {
      const gate = new Gate()
      for (const [fails, isGood, wait] of story) {
        gate.session({ ...(fails ? failing : passing), standing: isGood ? good : null, backend }).later(wait)
      }
      const isDisarmed = gate.disarmed().length > 0
      gate.changes.forEach(({ reason }, i) => {
        assert.equal(reason === null, i % 2 === 1)
      })
      assert.equal(gate.changes.length % 2 === 1, isDisarmed)
    }),
  )
})

test('switched off, nothing is disarmed', () => {
  const gate = new Gate().sessions(10, { ...failing, standing: good })
  gate.breakers.renew(null)
  assert.deepEqual([gate.disarmed(), gate.breakers.disarmed], [[], []])
})
