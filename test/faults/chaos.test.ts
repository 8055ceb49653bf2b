// The short form of `npm run chaos`, and that its judge finds what it looks for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsOf, victims } from '../chaos/fault.ts'
import { isPassed, ordeal, report } from '../chaos/ordeal.ts'
import { type Evidence, isGood, judge } from '../chaos/verdict.ts'

test('200 messages through two gates that are killed, with Redis and the backend in no better state: none is lost', async t => {
  const outcome = await ordeal(t, { messages: 200, rate: 20, seed: 7 })
  t.diagnostic(report(outcome))
  assert.ok(isPassed(outcome), report(outcome))
  const hurt = new Set(outcome.absences.map(({ victim }) => victim))
  assert.deepEqual([...hurt].sort(), [...victims].sort())
})

test('the same seed has the same faults, another has others', () => {
  const some = (seed: number) =>
    victims.map(victim => {
      const faults = faultsOf(victim, seed)
      return Array.from({ length: 20 }, () => faults.next().value)
    })
  assert.deepEqual(some(7), some(7))
  assert.notDeepEqual(some(7), some(8))
})

const second = Date.parse('2026-11-21T21:04:33')

/** A message as the backend delivers it. */
const copy = (id: string, queueId: string) =>
  `Received: from x (x [127.0.0.1])\n\tby mail.example.test (Postfix) with ESMTP id ${queueId}\n\nMessage-ID: <${id}>\n`

/** Two messages; of the first there are two copies, and the first of these was on its way when gate1 was killed. */
const excused: Evidence = {
  ids: ['a', 'b'],
  mailboxes: [copy('a', 'Q1'), copy('a', 'Q2'), copy('b', 'Q3')],
  senderLog: 'status=sent (250 2.0.0 Ok: queued as Q2)\nstatus=sent (250 2.0.0 Ok: queued as Q3)\n',
  backendLog: `Nov 21 21:04:33 mail proxy/smtpd[1]: Q1: client=unknown[127.0.0.1]:4001\n`,
  haproxyLog: '<134>127.0.0.1:4001 [21/Nov/2026:21:04:33.100] smtp gates/gate1 1/0/500 700 SD 1/1/0/0/0 0/0\n',
  gateLogs: '{"event":"session","queue_ids":["Q2"]}\n{"event":"session","queue_ids":["Q3"]}\n',
  absences: [{ victim: 'gate1', kind: 'killed', from: second + 590, gone: second + 600, to: second + 2_000 }],
}

test('a copy whose 250 was in flight when its gate was killed is excused', () => {
  const verdict = judge(excused)
  assert.deepEqual(
    verdict.duplicates.map(({ id, queueId, excuse }) => [id, queueId, excuse]),
    [['a', 'Q1', 'gate']],
  )
  assert.ok(isGood(verdict))
})

const bad: Readonly<Record<string, Partial<Evidence>>> = {
  'a message that lies nowhere': { mailboxes: excused.mailboxes.slice(0, 2) },
  'a message that was refused for good': { senderLog: `${excused.senderLog}status=bounced (550 no)\n` },
  'a copy too many when no gate died': { absences: [] },
  'a copy too many when the other gate died': {
    absences: excused.absences.map(absence => ({ ...absence, victim: 'gate2' })),
  },
  'a copy too many when Redis was away': {
    absences: excused.absences.map(absence => ({ ...absence, victim: 'redis' })),
  },
  'a copy too many when its gate died two seconds earlier': {
    absences: excused.absences.map(absence => ({ ...absence, from: absence.from - 2_000, gone: absence.gone - 2_000 })),
  },
  'a copy too many of whose session nothing is known': { haproxyLog: '' },
  'a copy too many that a gate has logged as taken': { gateLogs: '{"event":"session","queue_ids":["Q1"]}\n' },
  'two copies of which the sender was told': {
    senderLog: `${excused.senderLog}status=sent (250 2.0.0 Ok: queued as Q1)\n`,
  },
}

for (const [what, change] of Object.entries(bad)) {
  test(`${what} is no success`, () => assert.ok(!isGood(judge({ ...excused, ...change }))))
}
