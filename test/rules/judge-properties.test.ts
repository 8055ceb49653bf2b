import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Action,
  actions,
  type CheckName,
  checks,
  DnsblRank,
  type DnsblZone,
  Facts,
  judge,
  lessonOf,
  makePlan,
  type Policy,
  Tally,
} from '@sallyport/rules'
import fc from 'fast-check'

const names: readonly CheckName[] = checks.map(check => check.name)
const action = fc.constantFrom<Action>(...actions)
const settings = fc.record(
  { enabled: fc.boolean(), action, again: fc.option(action), points: fc.nat(6) },
  { requiredKeys: [] },
)
const policies: fc.Arbitrary<Policy> = fc
  .tuple(
    fc.tuple(...names.map(() => settings)),
    fc.record({ threshold: fc.integer({ min: 1, max: 3 }), allow: fc.integer({ min: -3, max: 0 }) }),
    fc.record({ defer: fc.nat(9), refuse: fc.nat(12) }),
  )
  .map(([all, dnsbl, score]) => ({
    checks: Object.fromEntries(
      names.map((name, i) => [name, name === 'dnsbl' ? { ...all[i], options: dnsbl } : all[i]]),
    ),
    score,
  }))
const someNames = fc.subarray([...names])

const weights = [2, 1, -2, -1, 3]
const zones = weights.map((weight, i): DnsblZone => ({ zone: `z${i}`, name: `z${i}`, weight, answers: null }))

/** Something that a client does, or that becomes known of it. Facts only grow. */
type Step = (facts: Facts, rank: DnsblRank) => void

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    facts => {
      facts.pregreetBytes += 3
    },
    facts => {
      facts.greetWait = 6000
      facts.greeted = true
    },
    facts => {
      facts.hello = 'a_b'
      facts.helloMalformed = true
    },
    facts => {
      facts.commands += 10
      facts.junkCommands += 10
    },
    facts => {
      facts.aheadAfter ??= 'EHLO'
    },
    facts => {
      facts.nonSmtpCommand ??= 'GET /'
    },
    facts => {
      facts.bareNewlines++
    },
    facts => {
      facts.enveloped = true
    },
  ),
  fc.tuple(fc.nat(zones.length - 1), fc.constantFrom('listed', 'absent', 'failed')).map(
    ([zone, said]): Step =>
      (facts, rank) => {
        rank.answer(
          zone,
          said === 'listed'
            ? { kind: 'answers', addresses: [{ address: '127.0.0.2', ttl: 60 }] }
            : { kind: said === 'absent' ? 'absent' : 'failed' },
        )
        facts.dnsbl = rank.finding()
      },
  ),
)
const steps = fc.array(step, { maxLength: 25 })
const severities = ['none', 'defer', 'refuse', 'decoy', 'trap', 'drop']

/** Judges after every step and gives the severities. */
function play(policy: Policy, access: Facts['access'], failed: readonly string[], list: readonly Step[]) {
  const plan = makePlan(policy)
  const tally = new Tally(plan)
  tally.recall(plan, [], failed)
  const facts = new Facts()
  facts.access = access
  const rank = new DnsblRank(zones, { min: 1, max: 100, fallback: 10 })
  const verdicts = [judge(facts, plan, tally)]
  for (const one of list) {
    one(facts, rank)
    verdicts.push(judge(facts, plan, tally))
  }
  return { plan, tally, verdicts }
}

test('any growing facts under any policy: the verdict never becomes milder', () => {
  fc.assert(
    fc.property(policies, fc.constantFrom('none', 'deny'), someNames, steps, (policy, access, failed, list) => {
      const { verdicts } = play(policy, access, failed, list)
      const found = verdicts.map(verdict => severities.indexOf(verdict.action))
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
      )
    }),
    { numRuns: 2000 },
  )
})

test('any growing facts: a verdict has a cause exactly when it acts', () => {
  fc.assert(
    fc.property(policies, someNames, steps, (policy, failed, list) => {
      for (const verdict of play(policy, 'none', failed, list).verdicts) {
        assert.equal(verdict.action === 'none', verdict.cause === null)
      }
    }),
  )
})

test('any client on the allow list is let in, whatever it does, and nothing is learnt of it', () => {
  fc.assert(
    fc.property(policies, someNames, steps, (policy, failed, list) => {
      fc.pre(policy.checks?.access?.enabled !== false)
      const { plan, tally, verdicts } = play(policy, 'allow', failed, list)
      assert.ok(verdicts.every(verdict => verdict.action === 'none'))
      assert.equal(lessonOf(plan, tally), null)
    }),
  )
})

test('any check that observes: verdicts and what is held against the client are those without the check', () => {
  const observable = fc.constantFrom(...names.filter(name => name !== 'access'))
  fc.assert(
    fc.property(policies, observable, someNames, steps, (policy, name, failed, list) => {
      const set = policy.checks?.[name]
      const observed = {
        ...policy,
        checks: { ...policy.checks, [name]: { ...set, enabled: true, action: 'observe', again: null } },
      } as const
      const without = { ...policy, checks: { ...policy.checks, [name]: { enabled: false } } }
      const one = play(observed, 'none', failed, list)
      const other = play(without, 'none', failed, list)
      assert.deepEqual(one.verdicts, other.verdicts)
      const learnt = lessonOf(one.plan, one.tally)
      const expected = lessonOf(other.plan, other.tally)
      assert.deepEqual(learnt?.failed ?? {}, expected?.failed ?? {})
      const { [name]: own, ...passed } = learnt?.passed ?? {}
      assert.deepEqual(passed, expected?.passed ?? {})
      assert.ok(own === undefined || own > 0)
    }),
    { numRuns: 1000 },
  )
})
