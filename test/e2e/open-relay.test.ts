import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { failToStart, startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { swaks } from '../support/swaks.ts'
import { believing, connectAs, swaksAs, untilRcpt } from './client.ts'

// Its mynetworks are 127.0.0.0/8, and it relays for them: a gate that hides its clients would open it to the world.
const postfix = await startPostfix({ after })
const foreign = 'victim@elsewhere.example'

for (const [identity, port] of [
  ['proxy_v2', postfix.ports.proxy],
  ['proxy_v1', postfix.ports.proxy],
  ['xclient', postfix.ports.xclient],
] as const) {
  test(`${identity}: Postfix itself refuses to relay for a stranger, and still relays for its own networks`, async t => {
    const gate = await startGate(t, `backend: { address: '127.0.0.1:${port}', identity: ${identity} }\n${believing}`)
    for (const address of ['192.0.2.7', '2001:db8::7']) {
      const client = await connectAs(t, gate, address)
      const reply = await untilRcpt(client, { to: foreign })
      assert.equal(reply, `554 5.7.1 <${foreign}>: Relay access denied`)
      await client.command('QUIT', /^221/)
      await postfix.waitForLog(
        new RegExp(`reject: RCPT from \\w+\\[${address.replaceAll('.', '\\.')}\\]: 554 5\\.7\\.1 <${foreign}>`),
      )
      const line = await gate.waitForSession(({ client }) => client === address)
      assert.deepEqual([line.verdict, line.backend_reply, line.reply], ['passed', reply, undefined])
    }
    const { code, transcript } = await swaks([
      ...['--server', '127.0.0.1', '--port', `${gate.port}`, '--from', 'a@example.net', '--to', foreign],
      ...swaksAs('198.51.100.9'),
    ])
    assert.equal(code, 24, transcript)
    const own = await connect(t, { port: gate.port, localAddress: '127.0.0.77' })
    assert.match(await untilRcpt(own, { to: foreign }), /^250 2\.1\.5 Ok/)
  })
}

test('none with recipient_domains: the gate itself refuses to relay, for whatever may be read as elsewhere', async t => {
  const backend = `backend: { address: '127.0.0.1:${postfix.ports.plain}', identity: none }`
  const gate = await startGate(t, `${backend}\nrecipient_domains: [example.test]\n${believing}`)
  const client = await connectAs(t, gate, '192.0.2.7')
  const first = await untilRcpt(client, { to: foreign })
  const id = /^554 5\.7\.1 Relay access denied; ref=(\w+)$/.exec(first)?.[1]
  const elsewhere = [
    '<victim%elsewhere.example@example.test>',
    '<elsewhere.example!victim@example.test>',
    '<@example.test:victim@elsewhere.example>',
    '<victim@elsewhere.example@example.test>',
    '<"victim@elsewhere.example"@example.test>',
    '<victim@sub.example.test>',
    'postmaster <victim@elsewhere.example>',
  ]
  // Before the backend is opened, and behind it, where Postfix would take all of them.
  for (const round of ['before', 'behind']) {
    for (const path of elsewhere) await client.command(`RCPT TO:${path}`, /^55?[0-9] |^50[0-9] /)
    if (round === 'before') await client.command('RCPT TO:<user@Example.Test>', /^250 2\.1\.5 Ok/)
  }
  await client.command('QUIT', /^221/)
  const line = await gate.waitForSession(({ client }) => client === '192.0.2.7')
  assert.equal(line.id, id)
  assert.equal(line.verdict, 'passed')
  assert.doesNotMatch(await postfix.log(), /plain\/smtpd.*elsewhere/)
  assert.match(line.reply ?? '', /^554 5\.7\.1 Relay access denied; ref=/)
})

test('none without recipient_domains: the gate does not start, and says what would do', async t => {
  const backend = `address: '127.0.0.1:${postfix.ports.plain}', identity: none`
  const { code, output } = await failToStart(t, `backend: { ${backend} }`)
  assert.equal(code, 78)
  assert.match(output, /sallyport\.yaml:\d+:\d+ backend\.identity: .*recipient_domains/)
  // Only who says that he knows gets what he asks for.
  const gate = await startGate(t, `backend: { ${backend}, i_know_the_backend_sees_the_gate: true }`)
  await gate.stop()
})
