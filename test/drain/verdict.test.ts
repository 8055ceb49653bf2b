// That the judge of a drain finds what it looks for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tallyOf } from './load.ts'
import type { Drain } from './replace.ts'
import type { Trouble } from './sender.ts'
import { wrongWith, wrongWithReload, wrongWithReplacement } from './verdict.ts'

const away: Trouble = { id: 'm0-1', stage: 'mail', fresh: false, words: '421 4.3.2 shutting down', at: 0 }

const tallyWith = (troubles: readonly Trouble[], arrived: readonly string[] = ['m0-0', 'm0-1']) =>
  tallyOf([{ taken: ['m0-0', 'm0-1'], troubles: [...troubles], greetings: [5] }], arrived)

test('421 between two transactions is a drain, and no failure; a reload must not bring it', () => {
  assert.deepEqual(wrongWith(tallyWith([away])), [])
  assert.equal(wrongWithReload(tallyWith([away])).length, 1)
})

const bad: Readonly<Record<string, Partial<Trouble>>> = {
  '421 in place of the greeting': { stage: 'greeting', fresh: true },
  '421 before the first message': { fresh: true },
  '421 to RCPT': { stage: 'rcpt' },
  '421 in place of the reply to the message': { stage: 'dot' },
  'a close without a word behind the dot': { stage: 'dot', words: 'expected a reply: the server closed (fin)' },
  'a close without a word between two transactions': { words: 'expected a reply: the server closed (fin)' },
  'a connection that is refused': { stage: 'connect', words: 'connect ECONNREFUSED' },
  'a refusal for good': { stage: 'rcpt', words: '550 5.7.1 no' },
}

for (const [what, change] of Object.entries(bad)) {
  test(`${what} is a failure`, () => assert.equal(wrongWith(tallyWith([{ ...away, ...change }])).length, 1))
}

test('what was taken and is not there is lost, and what is there twice is told', () => {
  assert.deepEqual(wrongWith(tallyWith([], ['m0-0'])), ['m0-1 is lost'])
  assert.deepEqual(wrongWith(tallyWith([], ['m0-0', 'm0-1', 'm0-1'])), ['m0-1 is there twice'])
})

test('a drain out of its order is told', () => {
  const drain: Drain = {
    unready: 5,
    out: 400,
    closed: 1_510,
    told: 1_515,
    gone: 3_000,
    back: 4_000,
    late: 0,
    inMessage: 2,
  }
  const wrong = (change: Partial<Drain>) =>
    wrongWithReplacement({ tally: tallyWith([away]), drains: [{ ...drain, ...change }] })
  assert.deepEqual(wrong({}), [])
  // All were at the end of a session by themselves.
  assert.deepEqual(wrong({ told: Number.POSITIVE_INFINITY }), [])
  for (const change of [
    { unready: 500 },
    { out: 1_600 },
    { closed: 300, out: 200 },
    { told: 20 },
    { told: 3_100 },
    { late: 1 },
    { inMessage: 0 },
  ])
    assert.equal(wrong(change).length, 1, JSON.stringify(change))
})
