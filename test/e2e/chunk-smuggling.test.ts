import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startExim } from '../support/exim.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startSendmail } from '../support/sendmail.ts'
import { believing, connectAs, untilRcpt } from './client.ts'

/** A chunk of another length to the server than to the gate, or to the server no chunk at all: what is in it would be commands. */
async function sendAhead(t: Parameters<typeof startExim>[0], gate: RunningGate, to: string, octets: string) {
  const client = await connectAs(t, gate, '192.0.2.7')
  assert.match(await untilRcpt(client, { to }), /^250 /)
  client.sendRaw(octets)
  return client
}

test('Exim, which keeps the count of a chunk in 32 bits, is sent none that is longer', async t => {
  const exim = await startExim(t)
  const gate = await startGate(t, `backend: 127.0.0.1:${exim.port}\n${believing}`)
  const smuggled = 'MAIL FROM:<smuggler@example.org>\r\nRCPT TO:<other@example.net>\r\nBDAT 4 LAST\r\nno\r\n'
  const client = await sendAhead(t, gate, 'user@example.net', `BDAT ${2 ** 32 + 4} LAST\r\nok\r\n${smuggled}`)
  await client.expect(/^501 5\.5\.4 /)
  assert.equal(await client.closed, 'fin')
  // The next comes through, and is the only one.
  const next = await sendAhead(t, gate, 'user@example.net', 'BDAT 4 LAST\r\nok\r\nQUIT\r\n')
  await next.expect(/^250[\s\S]* id=/)
  await next.expect(/^221 /)
  const messages = await exim.waitForMessages(1)
  assert.equal(messages.length, 1)
  assert.doesNotMatch(await exim.log(), /smuggler/)
})

test('stock Sendmail, to which the octets of a chunk are commands, is sent no chunk', async t => {
  const sendmail = await startSendmail(t)
  const backend = `backend: { address: '127.0.0.1:${sendmail.ports.plain}', identity: none }`
  const gate = await startGate(t, `${backend}\nrecipient_domains: [example.test]\n${believing}`)
  const smuggled = 'RSET\r\nMAIL FROM:<smuggler@example.org>\r\nRCPT TO:<victim@elsewhere.example>\r\n'
  const client = await sendAhead(t, gate, 'user@example.test', `BDAT ${smuggled.length} LAST\r\n${smuggled}`)
  await client.expect(/^451 4\.3\.3 /)
  await client.command('QUIT', /^221/)
  await gate.waitForSession(({ client }) => client === '192.0.2.7')
  await sendmail.waitForLog(/from=<[^>]*>.*relay=/)
  assert.doesNotMatch(await sendmail.log(), /smuggler|victim/)
})
