import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { smtpSource } from '../support/swaks.ts'
import { assertNothingLost, sendUntil } from './sender.ts'

test('Postfix stops and comes back under traffic: nothing lost, nothing refused, in use again at once', async t => {
  const postfix = await startPostfix(t)
  const gate = await startGate(t, `backend: 127.0.0.1:${postfix.ports.proxy}`)
  const stop = { aborted: false }
  const sending = sendUntil(t, { port: () => gate.port }, 6, stop)
  await sleep(1_200)
  await postfix.stop()
  const down = performance.now()
  await sleep(1_000)
  await postfix.start()
  const up = performance.now()
  await sleep(1_500)
  stop.aborted = true
  const deliveries = await sending
  await assertNothingLost(deliveries, postfix)
  const accepted = deliveries.map(({ at }) => at).sort((a, b) => a - b)
  assert.ok(
    accepted.some(at => at < down),
    'nothing was accepted before',
  )
  assert.ok(!accepted.some(at => at > down + 100 && at < up - 500), 'accepted with no backend there')
  const first = accepted.find(at => at > up - 500) ?? Number.POSITIVE_INFINITY
  assert.ok(first - up < 5_000, `in use ${first - up} ms after its return`)
  assert.equal(await gate.metric('sallyport_backend_up'), 1)
  const changes = gate.lines().filter(({ event }) => event === 'backend')
  assert.deepEqual(
    changes.map(({ level }) => level),
    ['error', 'info'],
  )
  // And somebody else's client, which takes any 4xx for a failure, finds nothing amiss.
  const source = [
    '-s',
    '5',
    '-m',
    '50',
    '-f',
    'sender@example.net',
    '-t',
    'user@example.test',
    `127.0.0.1:${gate.port}`,
  ]
  assert.deepEqual(await smtpSource(source), { code: 0, output: '' })
})
