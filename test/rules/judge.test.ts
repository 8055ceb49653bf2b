import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Facts,
  isAsked,
  isSettled,
  isWaiting,
  judge,
  lessonOf,
  makePlan,
  type Policy,
  questions,
  Tally,
  type Verdict,
} from '@sallyport/rules'

/** Judges facts that came one after the other, each on top of those before. */
function session(policy: Policy, history: { passed?: string[]; failed?: string[] }, ...steps: Partial<Facts>[]) {
  const plan = makePlan(policy)
  const tally = new Tally(plan)
  tally.recall(plan, history.passed ?? [], history.failed ?? [])
  const facts = new Facts()
  let verdict: Verdict = judge(facts, plan, tally)
  for (const step of steps) verdict = judge(Object.assign(facts, step), plan, tally)
  return { plan, tally, facts, verdict }
}

const pregreeted: Partial<Facts> = { pregreetBytes: 6, pregreetAfter: 40 }
const ahead: Partial<Facts> = { aheadAfter: 'EHLO' }
const http: Partial<Facts> = { nonSmtpCommand: 'GET / HTTP/1.1' }
const bare: Partial<Facts> = { bareNewlines: 1, bareNewlineAfter: 'EHLO' }
const enveloped: Partial<Facts> = { greetWait: 6000, greeted: true, hello: 'mail.example', enveloped: true }
const ranked = (rank: number): Partial<Facts> => ({
  dnsbl: { rank, list: rank > 0 ? 'bl.example' : null, couldRise: 0, couldFall: 0, failed: 0, asked: 1, ttl: 300 },
})

test('a client that did nothing wrong is let in, without a cause', () => {
  assert.deepEqual(session({}, {}, enveloped, ranked(0)).verdict, { action: 'none', cause: null })
})

test('the worst action wins and names its check', () => {
  const { verdict } = session({}, {}, pregreeted, ahead, http, bare)
  assert.equal(verdict.action, 'drop')
  assert.deepEqual(verdict.cause, {
    check: 'non-smtp-command',
    why: 'GET / HTTP/1.1',
    words: { enhanced: '7.0', text: 'This is a mail server' },
  })
})

test('of equally bad ones the first of the list is the cause', () => {
  assert.equal(session({}, {}, ahead, pregreeted).verdict.cause?.check, 'pregreet')
})

test('the score adds up over checks, and the heaviest is the cause', () => {
  const policy: Policy = {
    checks: {
      pregreet: { action: 'score', points: 2 },
      pipelining: { action: 'score', points: 4 },
      'bare-newline': { action: 'score', points: 3 },
    },
    score: { defer: 6, refuse: 9 },
  }
  const at = (...steps: Partial<Facts>[]) => {
    const { verdict, tally } = session(policy, {}, ...steps)
    return [tally.score, verdict.action, verdict.cause?.check, verdict.cause?.why]
  }
  assert.deepEqual(at(bare, pregreeted), [5, 'none', undefined, undefined])
  assert.deepEqual(at(pregreeted, ahead), [6, 'defer', 'pipelining', 'did not wait after EHLO (score 6)'])
  assert.deepEqual(at(pregreeted, ahead, bare), [9, 'refuse', 'pipelining', 'did not wait after EHLO (score 9)'])
})

test('a bound of 0 turns that consequence of the score off', () => {
  const scored = { checks: { pipelining: { action: 'score', points: 100 } } } as const
  assert.equal(session({ ...scored, score: { defer: 0, refuse: 0 } }, {}, ahead).verdict.action, 'none')
  assert.equal(session({ ...scored, score: { defer: 1, refuse: 0 } }, {}, ahead).verdict.action, 'defer')
})

test('the score does not soften a worse action, and is not softened by a milder one', () => {
  const policy: Policy = { checks: { 'bare-newline': { action: 'score', points: 10 } } }
  assert.equal(session(policy, {}, bare, http).verdict.cause?.check, 'non-smtp-command')
  const { verdict } = session(policy, {}, bare, ahead)
  assert.deepEqual([verdict.action, verdict.cause?.check], ['refuse', 'bare-newline'])
})

test('the first offence defers, the second refuses', () => {
  assert.equal(session({}, {}, ahead).verdict.action, 'defer')
  assert.equal(session({}, { failed: ['pipelining'] }, ahead).verdict.action, 'refuse')
  assert.equal(session({}, { failed: ['pregreet'] }, ahead).verdict.action, 'defer')
})

test('an action that the operator chose holds for every offence, unless he chose another for the second', () => {
  const history = { failed: ['pipelining'] }
  assert.equal(session({ checks: { pipelining: { action: 'defer' } } }, history, ahead).verdict.action, 'defer')
  assert.equal(
    session({ checks: { pipelining: { action: 'defer', again: 'drop' } } }, history, ahead).verdict.action,
    'drop',
  )
  assert.equal(session({ checks: { pipelining: { again: null } } }, history, ahead).verdict.action, 'defer')
  assert.equal(session({ checks: { pipelining: { points: 1 } } }, history, ahead).verdict.action, 'refuse')
})

test('the allow list beats everything, whatever came before it or with it', () => {
  const { verdict, tally } = session({}, { failed: ['pregreet'] }, { ...pregreeted, ...http, access: 'allow' })
  assert.deepEqual([verdict.action, tally.vouched], ['none', 'access: on the allow list'])
  assert.equal(session({}, {}, pregreeted, { access: 'allow' }, http).verdict.action, 'none')
  assert.equal(
    session({ checks: { access: { action: 'observe' } } }, {}, pregreeted, { access: 'allow' }).verdict.action,
    'none',
  )
})

test('the deny list drops at once', () => {
  assert.equal(session({}, {}, { access: 'deny' }).verdict.action, 'drop')
})

const allowing: Policy = { checks: { dnsbl: { action: 'defer', options: { allow: -3 } } } }

test('a list of good clients vouches for what has not failed, and for all that comes after', () => {
  const { verdict, tally } = session(allowing, {}, ranked(-3), pregreeted, http)
  assert.deepEqual([verdict.action, tally.vouched], ['none', 'dnsbl: rank -3'])
})

test('what has failed before, or at the same time, cannot be vouched for', () => {
  for (const steps of [[pregreeted, ranked(-3)], [ahead, ranked(-3)], [{ ...ahead, ...ranked(-3) }]]) {
    const { verdict, tally } = session(allowing, {}, ...steps)
    assert.deepEqual([verdict.action, tally.vouched], ['defer', null])
  }
  const scoring: Policy = { checks: { ...allowing.checks, 'bare-newline': { action: 'score' } } }
  const { verdict, tally } = session(scoring, {}, bare, ranked(-3))
  assert.deepEqual([verdict.action, tally.vouched, tally.score], ['none', null, 1])
})

test('a failure that is only observed does not stand in the way of a voucher', () => {
  assert.equal(
    session(allowing, {}, { hello: 'a_b', helloMalformed: true }, ranked(-3)).tally.vouched,
    'dnsbl: rank -3',
  )
})

test('a list that is only observed vouches for nobody', () => {
  const observing: Policy = { checks: { dnsbl: { options: { allow: -3 } } } }
  const { verdict, tally } = session(observing, {}, ranked(-3), ahead)
  assert.deepEqual([verdict.action, tally.vouched], ['defer', null])
  const lists = makePlan(observing).checks.findIndex(({ name }) => name === 'dnsbl')
  assert.equal(tally.outcomes[lists]?.kind, 'vouch')
})

test('what has failed stays failed when the facts change', () => {
  const { verdict } = session({ checks: { dnsbl: { action: 'refuse' } } }, {}, ranked(1), ranked(0))
  assert.equal(verdict.action, 'refuse')
})

test('a check is passed now, or before, or by a voucher, or when it is off; not by default', () => {
  const now = session({}, {}, enveloped)
  assert.deepEqual([now.tally.hasPassed(now.plan, 'pipelining'), now.tally.hasPassed(now.plan, 'dnsbl')], [true, false])
  const before = session({}, { passed: ['pipelining', 'pregreet'] })
  assert.equal(before.tally.hasPassed(before.plan, 'pipelining'), true)
  assert.equal(before.tally.hasPassed(before.plan, 'bare-newline'), false)
  const notWaited = session({}, { passed: ['pregreet'] }, { greetWait: 0, greeted: true })
  assert.equal(notWaited.tally.hasPassed(notWaited.plan, 'pregreet'), true)
  const fallen = session({}, { passed: ['pipelining'] }, ahead)
  assert.equal(fallen.tally.hasPassed(fallen.plan, 'pipelining'), false)
  const vouched = session({}, {}, { access: 'allow' })
  assert.equal(vouched.tally.hasPassed(vouched.plan, 'pipelining'), true)
  const off = session({ checks: { pipelining: { enabled: false } } }, {}, ahead)
  assert.equal(off.tally.hasPassed(off.plan, 'pipelining'), true)
})

test('a stage is settled when its checks are; later stages and observers are not waited for', () => {
  const settled = (policy: Policy, history: { passed?: string[]; failed?: string[] }, ...steps: Partial<Facts>[]) => {
    const { plan, tally } = session(policy, history, ...steps)
    return [isSettled('recall', plan, tally), isSettled('greet', plan, tally), isSettled('command', plan, tally)]
  }
  // Of some nobody can know before the end.
  const acting: Policy = {
    preset: 'fourmilab',
    checks: { dnsbl: { action: 'defer' }, trusted: { enabled: false }, 'trap-recipient': { enabled: false } },
  }
  const waited = { greetWait: 6000, greeted: true }
  const observing: Policy = { preset: 'fourmilab' }
  assert.deepEqual(settled(observing, {}), [true, false, false])
  assert.deepEqual(settled(observing, {}, waited), [true, true, false], 'the DNS lists only observe')
  assert.deepEqual(settled(acting, {}, waited), [true, false, false], 'the DNS lists act')
  assert.deepEqual(settled(acting, {}, waited, ranked(0)), [true, true, false])
  assert.deepEqual(settled(acting, { passed: ['dnsbl', 'pregreet'] }), [true, true, false], 'remembered')
  assert.deepEqual(settled(acting, {}, enveloped, ranked(0)), [true, true, true])
  assert.deepEqual(settled(acting, {}, { access: 'allow' }), [true, true, true], 'vouched for')
  assert.deepEqual(settled(acting, {}, pregreeted, ranked(1)), [true, true, false], 'failed is settled')
  const onSecond: Policy = { preset: 'fourmilab', checks: { dnsbl: { action: 'observe', again: 'refuse' } } }
  assert.deepEqual(settled(onSecond, { failed: ['dnsbl'] }, waited), [true, false, false], 'acts on an old offender')
})

const forged: Partial<Facts> = {
  spf: {
    result: 'fail',
    domain: 'a.example',
    identity: 'mailfrom',
    mechanism: '-all',
    problem: null,
    explanation: null,
  },
}
const sent = (sender: string): Partial<Facts> => ({ sender, spf: null, senderDomain: null })

test('what fails in one transaction does not fail in the next, is kept for the log, and is never remembered', () => {
  const refusing: Policy = { checks: { spf: { action: 'refuse', ttl: 99 } } }
  const { verdict, tally, plan } = session(refusing, {}, sent('u@a.example'), forged)
  assert.equal(verdict.cause?.check, 'spf')
  assert.deepEqual(lessonOf(plan, tally)?.failed ?? {}, {})
  const next = session(refusing, {}, sent('u@a.example'), forged, sent('u@b.example'))
  assert.equal(next.verdict.action, 'none')
  const position = next.plan.checks.findIndex(({ name }) => name === 'spf')
  assert.equal(next.tally.outcomes[position]?.kind, 'fail')
  assert.equal(next.plan.checks[position]?.ttl, 0)
  assert.equal(session(refusing, {}, sent('u@a.example'), forged, sent('u@b.example'), forged).verdict.action, 'refuse')
})

test('a recipient waits for what was asked about its sender, whatever became of the one before', () => {
  const waits = (policy: Policy, history: { passed?: string[] }, ...steps: Partial<Facts>[]) => {
    const { facts, plan, tally } = session(policy, history, ...steps)
    return isWaiting(facts, plan, tally)
  }
  const refusing: Policy = { preset: 'fourmilab', checks: { spf: { action: 'refuse' } } }
  assert.equal(waits(refusing, {}, sent('u@a.example')), true)
  assert.equal(waits({ preset: 'fourmilab' }, {}, sent('u@a.example')), false, 'it only observes')
  assert.equal(waits(refusing, {}, sent('u@a.example'), forged), false)
  assert.equal(waits(refusing, {}, sent('u@a.example'), forged, sent('u@b.example')), true)
  assert.equal(waits(refusing, {}, sent('u@a.example'), { access: 'allow' }), false, 'vouched for')
  const named: Policy = { preset: 'fourmilab', checks: { 'no-reverse-name': { action: 'refuse' } } }
  assert.equal(waits(named, {}), true)
  assert.equal(waits(named, { passed: ['no-reverse-name'] }), false, 'remembered')
  assert.equal(waits(named, {}, { reverse: { kind: 'failed' } }), false)
})

test('what no check needs is not asked', () => {
  const asked = (policy: Policy, passed: readonly string[], ...steps: Partial<Facts>[]) => {
    const { plan, tally } = session(policy, { passed: [...passed] }, ...steps)
    return questions.filter(question => isAsked(question, plan, tally))
  }
  assert.deepEqual(asked({}, []), [...questions])
  assert.deepEqual(asked({}, ['no-reverse-name', 'reverse-mismatch', 'dnsbl']).slice(0, 2), [
    'reverse-name',
    'hello-name',
  ])
  assert.deepEqual(asked({}, ['no-reverse-name', 'reverse-mismatch', 'generic-name'])[1], 'hello-name')
  assert.ok(!asked({ checks: { spf: { enabled: false } } }, []).includes('spf'))
  assert.deepEqual(asked({}, [], { access: 'allow' }), [])
})
