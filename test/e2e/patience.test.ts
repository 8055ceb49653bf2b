// Who leaves in one of our waits is seen at once, and how long it had patience is counted by what was known of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RunningGate, startGate } from '../support/gate.ts'
import { believing, connectAs } from './client.ts'

/** Longer than anybody waits here. */
const settings = `${believing}
backend: 127.0.0.1:1
greet: { wait: 20s }
delays: { mail: 25s }
checks: { helo-syntax: { action: score, points: 4 }, pregreet: { action: observe } }
dnsbl: { resolvers: ['127.0.0.1:1'], wait: 100ms }`

const patience = async (gate: RunningGate, of: string) => ({
  count: await gate.metric(`sallyport_patience_seconds_count{class="${of}"}`),
  short: await gate.metric(`sallyport_patience_seconds_bucket{le="5",class="${of}"}`),
  sum: await gate.metric(`sallyport_patience_seconds_sum{class="${of}"}`),
})

test('a client that hangs up in the pause before the greeting, and one in the delay before a reply', async t => {
  const gate = await startGate(t, settings)
  const stranger = await connectAs(t, gate, '198.51.100.7')
  await stranger.line(/^220-/)
  const began = performance.now()
  stranger.end()
  const left = await gate.waitForSession(({ client }) => client === '198.51.100.7')
  assert.ok(performance.now() - began < 10_000, 'it is seen at once, and not at the end of the pause')
  assert.deepEqual([left['left_in'], left.ending], ['greet', 'hangup'])
  const first = await patience(gate, 'new')
  assert.deepEqual([first.count, first.short], [1, 1])
  assert.ok(Math.abs(first.sum * 1000 - Number(left['left_after'])) < 1, `${first.sum} s`)

  // It has talked early, so it is greeted at once, and has a bad name in HELO.
  const suspect = await connectAs(t, gate, '198.51.100.8', { early: 'NOOP\r\n' })
  await suspect.expect(/^220 /m)
  await suspect.expect(/^250/)
  await suspect.command('EHLO a_b', /^250/)
  suspect.send('MAIL FROM:<a@example.net>')
  await suspect.silence(100)
  suspect.end()
  const gone = await gate.waitForSession(({ client }) => client === '198.51.100.8')
  assert.deepEqual([gone['left_in'], gone.ending], ['mail', 'hangup'])
  assert.ok(Number(gone['left_after']) < 5_000)
  assert.deepEqual(await patience(gate, 'suspect'), { count: 1, short: 1, sum: Number(gone['left_after']) / 1000 })
  assert.equal((await patience(gate, 'known')).count, 0)
  assert.equal((await patience(gate, 'new')).count, 1)
})

test('who stays to the end, or leaves when it is its turn, is not counted', async t => {
  const gate = await startGate(t, settings.replace('20s', '100ms').replace('25s', '100ms'))
  const patient = await connectAs(t, gate, '198.51.100.7')
  await patient.expect(/^220 /m)
  await patient.command('EHLO client.example.net', /^250/)
  await patient.command('MAIL FROM:<a@example.net>', /^250/)
  patient.end()
  const line = await gate.waitForSession(() => true)
  assert.equal(line['left_in'], undefined)
  for (const of of ['new', 'known', 'suspect']) assert.equal((await patience(gate, of)).count, 0)
})
