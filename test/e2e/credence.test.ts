// A backend that refuses everything ruins nobody's name.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startGate } from '../support/gate.ts'
import { makeTrusted } from '../support/known-clients.ts'
import { startPostfix } from '../support/postfix.ts'
import { startRedis } from '../support/redis.ts'
import { believing, connectAs, sendMail, untilAnswered, untilRcpt } from './client.ts'
import { sharing } from './shared-store.ts'

const redis = await startRedis()
after(() => redis.stop())
/** Its filter is broken: it refuses every message but one. */
const postfix = await startPostfix({ after }, { main: { header_checks: 'regexp:{ { /^Subject: [^w]/ REJECT } }' } })

const settings = `backend: 127.0.0.1:${postfix.ports.proxy}
${believing}
checks: { reputation: { action: refuse } }
${sharing(redis.port)}`

const letter = 'Subject: a letter\r\n\r\ntext\r\n'
const disbelieved = 'sallyport_backend_refusals_disbelieved{word="content"}'

test('clients of a good name are refused in bulk: from the third on nothing is learnt, and every gate takes them all as before', async t => {
  const known = [1, 2, 3, 4, 5].map(n => `198.51.${100 + n}.7`)
  await makeTrusted(redis.port, known)
  const [first, second] = [await startGate(t, settings), await startGate(t, settings)]
  assert.equal(await first.metric(disbelieved), 0)
  for (const client of known) assert.match(await sendMail(await connectAs(t, first, client), letter), /^550 5\.7\.1/)
  const line = await first.waitForLine(({ event }) => event === 'credence')
  assert.deepEqual([line.level, line['word']], ['error', 'content'])
  await first.waitForMetric(disbelieved, 1)

  // A stranger, too, has nothing against it.
  for (let i = 0; i < 3; i++) await sendMail(await connectAs(t, first, '203.0.113.9'), letter)
  await first.waitForSession(() => first.log().length === known.length + 3)
  for (const client of [...known, '203.0.113.9']) {
    const again = await connectAs(t, second, client)
    assert.match(await untilRcpt(again), /^250/, client)
    await again.command('QUIT', /^221/)
  }
  await second.waitForSession(() => second.log().length === known.length + 1)
  const trusted = second.log().filter(({ vouched }) => vouched?.startsWith('trusted'))
  assert.deepEqual(
    trusted.map(({ client }) => client).toSorted(),
    known.slice(2),
    'the first two have lost 8 of 12 points',
  )
  assert.equal(await second.metric(disbelieved), 0, 'each gate judges by what it hears itself')

  // The filter is mended.
  for (const client of known) {
    assert.match(await sendMail(await connectAs(t, first, client), 'Subject: wanted\r\n\r\ntext\r\n'), /^250/)
  }
  await first.waitForMetric(disbelieved, 0)
  await sendMail(await connectAs(t, first, '203.0.113.9'), letter)
  await first.waitForSession(() => first.log().length === 2 * known.length + 4)
  // And spam is learnt of again.
  await untilAnswered(t, second, '203.0.113.9', /^550/)
})
