import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, defaultScore, makePlan, type Policy } from '@sallyport/rules'

const planned = (policy: Policy, name: string) => makePlan(policy).checks.find(one => one.name === name)

test('without settings every check is planned, in the order of the list, as it defines itself', () => {
  // A preset that names no check.
  const plan = makePlan({ preset: 'fourmilab' })
  assert.deepEqual(
    plan.checks.map(({ name, action, again, points, ttl }) => ({ name, action, again, points, ttl })),
    checks.map(({ name, action, again, points, ttl }) => ({ name, action, again: again ?? action, points, ttl })),
  )
  assert.deepEqual([plan.score, plan.offenceTtl], [defaultScore, 86_400])
  assert.deepEqual(planned({}, 'dnsbl')?.options, { threshold: 1, allow: 0 })
})

test('by default nothing refuses on a first offence but what no mail client does', () => {
  const actions = Object.fromEntries(makePlan({}).checks.map(({ name, action }) => [name, action]))
  assert.deepEqual(actions, {
    access: 'drop',
    trusted: 'score',
    reputation: 'observe',
    rate: 'observe',
    authenticated: 'observe',
    pregreet: 'defer',
    dnsbl: 'observe',
    'no-reverse-name': 'observe',
    'reverse-mismatch': 'observe',
    'generic-name': 'observe',
    'helo-required': 'observe',
    'helo-syntax': 'observe',
    'helo-own': 'observe',
    'helo-address': 'observe',
    'helo-literal': 'observe',
    'helo-unresolvable': 'observe',
    'helo-change': 'observe',
    'sender-domain': 'observe',
    spf: 'observe',
    'null-sender-recipients': 'observe',
    transactions: 'observe',
    pipelining: 'defer',
    'non-smtp-command': 'drop',
    'bare-newline': 'score',
    smuggling: 'refuse',
    'message-size': 'observe',
    headers: 'observe',
    commands: 'drop',
    'trap-recipient': 'defer',
    harvest: 'observe',
    recipients: 'observe',
    greylist: 'observe',
  })
})

test('the operator’s settings replace the defaults one by one', () => {
  const one = planned({ checks: { dnsbl: { points: 7, ttl: 9, options: { allow: -2 } } } }, 'dnsbl')
  assert.deepEqual([one?.action, one?.points, one?.ttl, one?.options], ['observe', 7, 9, { threshold: 1, allow: -2 }])
  const plan = makePlan({ score: { defer: 1, refuse: 2 }, offenceTtl: 3 })
  assert.deepEqual([plan.score, plan.offenceTtl], [{ defer: 1, refuse: 2 }, 3])
})

test('a check that is turned off is not in the plan', () => {
  const plan = makePlan({ checks: { pregreet: { enabled: false } } })
  assert.equal(plan.checks.length, checks.length - 1)
  assert.equal(planned({ checks: { pregreet: { enabled: false } } }, 'pregreet'), undefined)
})

test('the second offence: the check’s own unless the operator chose an action, and his own when he chose one', () => {
  assert.equal(planned({}, 'pregreet')?.again, 'refuse')
  assert.equal(planned({ checks: { pregreet: { action: 'observe' } } }, 'pregreet')?.again, 'observe')
  assert.equal(planned({ checks: { pregreet: { action: 'observe', again: 'defer' } } }, 'pregreet')?.again, 'defer')
  assert.equal(planned({ checks: { pregreet: { again: null } } }, 'pregreet')?.again, 'defer')
})
