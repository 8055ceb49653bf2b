import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { startXconnectSendmail } from '../support/xconnect.ts'
import { believing, connectAs, untilRcpt } from './client.ts'

const sendmail = await startXconnectSendmail({ after })
const gate = await startGate(
  { after },
  `backend: { address: '127.0.0.1:${sendmail.port}', identity: xconnect }\n${believing}\ngreet: { wait: 0s }`,
)
const foreign = 'victim@elsewhere.example'

for (const [address, literal] of [
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8::7', 'IPv6:2001:db8:0:0:0:0:0:7'],
] as const) {
  test(`Sendmail is told of ${address} before it greets, and refuses to relay for it`, async t => {
    const client = await connectAs(t, gate, address)
    const denied = `550 5.7.1 <${foreign}>... Relaying denied. IP name possibly forged [${literal}]`
    assert.equal(await untilRcpt(client, { to: foreign }), denied)
    assert.ok(sendmail.lines.includes(`X-CONNECT ${address} unknown M`))
    await client.command('RCPT TO:<user@example.test>', /^250 2\.1\.5 /)
    await client.command('QUIT', /^221/)
    const line = await gate.waitForSession(({ client }) => client === address)
    assert.deepEqual([line.verdict, line.backend_reply], ['passed', denied])
  })
}

test('what a client says of X-CONNECT is never passed on', async t => {
  const client = await connectAs(t, gate, '192.0.2.8')
  await client.expect(/^220 /)
  await client.command('X-CONNECT 127.0.0.1 early', /^50[02] /)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<a@client.example>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250 2\.1\.5 /)
  await client.command('X-CONNECT 127.0.0.1 late', /^50[02] /)
  await client.command('RCPT TO:<other@example.test>', /^250 2\.1\.5 /)
  assert.deepEqual(sendmail.lines.slice(-4), [
    'EHLO client.example.net',
    'MAIL FROM:<a@client.example>',
    'RCPT TO:<user@example.test>',
    'RCPT TO:<other@example.test>',
  ])
})

test('the gate asks for the keywords in its own name', async () => {
  await gate.waitForMetric('sallyport_backend_up', 1)
  assert.ok(sendmail.lines.includes('X-CONNECT 127.0.0.1 unknown M'))
})

test('as it was measured, it relays for a client whose name is left to be that of the gate', async t => {
  for (const [line, reply] of [
    ['X-CONNECT 198.51.100.1', /^250 2\.1\.5 /],
    ['X-CONNECT IPv6:2001:db8::1 unknown M', /^250 2\.1\.5 /],
    ['X-CONNECT 198.51.100.1 unknown', /Relaying denied$/],
    ['X-CONNECT 198.51.100.1 unknown M', /Relaying denied\. IP name possibly forged \[198\.51\.100\.1\]$/],
  ] as const) {
    const client = await connect(t, sendmail)
    client.send(line)
    assert.match(await untilRcpt(client, { to: foreign }), reply, line)
  }
})
