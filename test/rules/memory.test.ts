import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Facts, judge, type Lesson, lessonOf, makePlan, type Policy, Tally } from '@sallyport/rules'

const day = 86_400

function learnt(policy: Policy, known: Partial<Facts>, passed: string[] = [], failed: string[] = []): Lesson | null {
  const plan = makePlan(policy)
  const tally = new Tally(plan)
  tally.recall(plan, passed, failed)
  judge(Object.assign(new Facts(), known), plan, tally)
  return lessonOf(plan, tally)
}

const good: Partial<Facts> = { greetWait: 6000, greeted: true, hello: 'mail.example', enveloped: true }
const listed = (rank: number, ttl: number): Partial<Facts> => ({
  dnsbl: { rank, list: null, couldRise: 0, couldFall: 0, failed: 0, asked: 1, ttl },
})

test('a good session earns a pass in each check, for that check’s ttl', () => {
  assert.deepEqual(learnt({}, { ...good, ...listed(0, 600) }), {
    passed: {
      pregreet: day,
      dnsbl: 600,
      'helo-syntax': 30 * day,
      pipelining: 30 * day,
      'non-smtp-command': 30 * day,
      'bare-newline': 30 * day,
      commands: 30 * day,
    },
    failed: {},
  })
})

test('a pass of the DNS lists holds for the shorter of their ttl and the operator’s', () => {
  assert.equal(learnt({}, listed(0, 7200))?.passed['dnsbl'], 3600)
  assert.equal(learnt({ checks: { dnsbl: { ttl: 60 } } }, listed(0, 7200))?.passed['dnsbl'], 60)
})

test('a client that only connected teaches nothing', () => {
  assert.equal(learnt({}, {}), null)
})

test('what could not be told is not remembered', () => {
  assert.equal(learnt({}, { greetWait: 0, greeted: true }), null)
})

test('a deferred or refused session earns no pass, only the offence', () => {
  const expected = { passed: {}, failed: { pipelining: day } }
  assert.deepEqual(learnt({}, { ...good, aheadAfter: 'EHLO' }), expected)
  assert.deepEqual(learnt({}, { ...good, aheadAfter: 'EHLO' }, [], ['pipelining']), expected)
  assert.deepEqual(learnt({ offenceTtl: 60 }, { aheadAfter: 'EHLO' })?.failed, { pipelining: 60 })
})

test('a scored failure is an offence, and below the bound the other checks keep their passes', () => {
  const lesson = learnt({}, { ...good, bareNewlines: 1 })
  assert.deepEqual(lesson?.failed, { 'bare-newline': day })
  assert.equal(lesson?.passed['pipelining'], 30 * day)
  assert.equal(lesson?.passed['bare-newline'], undefined)
})

test('a failure that is only observed is no offence', () => {
  const lesson = learnt({}, { ...good, hello: 'a_b', helloMalformed: true })
  assert.deepEqual(lesson?.failed, {})
  assert.equal(lesson?.passed['helo-syntax'], undefined)
})

test('the deny list is not an offence: it is asked each time', () => {
  assert.equal(learnt({}, { access: 'deny' }), null)
})

test('a pass that is still remembered is not renewed', () => {
  const lesson = learnt({}, good, ['pregreet', 'pipelining'])
  assert.deepEqual(
    [lesson?.passed['pregreet'], lesson?.passed['pipelining'], lesson?.passed['commands']],
    [undefined, undefined, 30 * day],
  )
})

test('a ttl of 0 remembers no pass', () => {
  const lesson = learnt({ checks: { pregreet: { ttl: 0 } } }, good)
  assert.equal(lesson?.passed['pregreet'], undefined)
  assert.equal(lesson?.passed['commands'], 30 * day)
})

test('under a voucher nothing is learnt', () => {
  assert.equal(learnt({}, { ...good, access: 'allow', aheadAfter: 'EHLO' }), null)
  const policy: Policy = { checks: { dnsbl: { action: 'defer', options: { allow: -3 } } } }
  assert.equal(learnt(policy, { ...good, ...listed(-3, 600) }), null)
})
