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

const unanswered =
  'postfix/smtp[9]: S1: to=<u@x>, status=deferred (lost connection with x while sending end of data -- message may be sent more than once)\n'
const taken = 'Nov 21 21:04:33 mail proxy/smtpd[7]: Q1: client=unknown[127.0.0.1]:4001\n'
const answered =
  'Nov 21 21:04:34 mail proxy/smtpd[7]: disconnect from unknown[127.0.0.1]:4001 ehlo=1 mail=1 rcpt=1 data=1 commands=4\n'
const heard = 'status=sent (250 2.0.0 Ok: queued as Q2)\nstatus=sent (250 2.0.0 Ok: queued as Q3)\n'
const gateLost = `{"level":"info","time":"${new Date(second + 610).toISOString()}","event":"session","port":4001,"ending":"backend closed"}\n`

/** Two messages; of the first there are two copies, and the 250 to the first of these was on its way when gate1 was killed. */
const excused: Evidence = {
  ids: ['a', 'b'],
  mailboxes: [copy('a', 'Q1'), copy('a', 'Q2'), copy('b', 'Q3')],
  senderLog: `postfix/cleanup[8]: S1: message-id=<a>\n${unanswered}${heard}`,
  backendLog: taken + answered,
  haproxyLog: '<134>127.0.0.1:4001 [21/Nov/2026:21:04:33.100] smtp gates/gate1 1/0/500 700 SD 1/1/0/0/0 0/0\n',
  gateLogs: '{"event":"session","queue_ids":["Q2"]}\n{"event":"session","queue_ids":["Q3"]}\n',
  absences: [{ victim: 'gate1', kind: 'killed', from: second + 590, gone: second + 600, to: second + 2_000 }],
}

/** The same, but that the backend was stopped before it could say 250, under a gate that lived. */
const stopped: Evidence = {
  ...excused,
  backendLog: taken,
  gateLogs: excused.gateLogs + gateLost,
  absences: [{ victim: 'backend', kind: 'stopped', from: second + 590, gone: second + 600, to: second + 2_000 }],
}

for (const [what, evidence, excuse] of [
  ['whose 250 was in flight when its gate was killed', excused, 'gate'],
  ['that the backend took and was stopped before it could say so', stopped, 'backend'],
] as const) {
  test(`a copy ${what} is excused, and counted as that`, () => {
    const verdict = judge(evidence)
    assert.deepEqual(
      verdict.duplicates.map(({ id, queueId, excuse: its }) => [id, queueId, its]),
      [['a', 'Q1', excuse]],
    )
    assert.ok(isGood(verdict))
  })
}

const moved = ({ absences }: Evidence, ms: number) =>
  absences.map(absence => ({ ...absence, from: absence.from + ms, gone: absence.gone + ms }))

const bad: Readonly<Record<string, Evidence>> = {
  'a message that lies nowhere': { ...excused, mailboxes: excused.mailboxes.slice(0, 2) },
  'a message that was refused for good': { ...excused, senderLog: `${excused.senderLog}status=bounced (550 no)\n` },
  'a copy too many when no gate died': { ...excused, absences: [] },
  'a copy too many when the other gate died': {
    ...excused,
    absences: excused.absences.map(absence => ({ ...absence, victim: 'gate2' })),
  },
  'a copy too many when Redis was away': {
    ...excused,
    absences: excused.absences.map(absence => ({ ...absence, victim: 'redis' })),
  },
  'a copy too many when its gate died two seconds earlier': { ...excused, absences: moved(excused, -2_000) },
  'a copy too many when its gate died after the session': { ...excused, absences: moved(excused, 1_000) },
  'a copy too many of whose session nothing is known': { ...excused, haproxyLog: '' },
  'a copy too many behind which the session went on': {
    ...excused,
    backendLog: `${taken}${taken.replace('Q1', 'Q9')}${answered}`,
  },
  'a copy too many that a gate has logged as taken': {
    ...excused,
    gateLogs: '{"event":"session","queue_ids":["Q1"]}\n',
  },
  'a copy too many that the backend has not answered with 250': {
    ...excused,
    backendLog: taken + answered.replace('data=1', 'data=0/1'),
  },
  'a copy too many whose end the sender did not wait for in vain': {
    ...excused,
    senderLog: excused.senderLog.replace('end of data', 'RCPT TO'),
  },
  'two copies too many where one end was not heard': {
    ...excused,
    mailboxes: [...excused.mailboxes, copy('a', 'Q4')],
    backendLog: excused.backendLog + (taken + answered).replace('Q1', 'Q4'),
  },
  'two copies of which the sender was told': {
    ...excused,
    senderLog: `${excused.senderLog}status=sent (250 2.0.0 Ok: queued as Q1)\n`,
  },
  'a copy too many that a backend had answered before it was stopped': { ...stopped, backendLog: taken + answered },
  'a copy too many whose gate lived and had not lost its backend': { ...stopped, gateLogs: excused.gateLogs },
  'a copy too many whose smtpd came to no end when the backend was well': { ...stopped, absences: [] },
}

for (const [what, evidence] of Object.entries(bad)) {
  test(`${what} is no success`, () => assert.ok(!isGood(judge(evidence))))
}
