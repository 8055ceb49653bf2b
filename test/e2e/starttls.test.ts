// STARTTLS at the gate, to the backend, and through the gate; real Postfix behind.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { startExim } from '../support/exim.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startOpenSmtpd } from '../support/opensmtpd.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startPostfix } from '../support/postfix.ts'
import { run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { sendMail, untilRcpt } from './client.ts'

const authority = await makeAuthority({ after })
const stranger = await makeAuthority({ after })
const ours = await authority.issue(['mx.example.test'])
const its = await authority.issue(['backend.example.test', 'IP:127.0.0.1'])
const postfix = await startPostfix(
  { after },
  {
    main: {
      smtpd_tls_cert_file: its.cert,
      smtpd_tls_key_file: its.key,
      smtpd_tls_security_level: 'may',
      smtpd_tls_loglevel: '1',
    },
  },
)
const fast = 'greet: { wait: 0s }\n'

async function upgraded(owner: Owner, gate: RunningGate): Promise<Dialogue> {
  const client = await connect(owner, { port: gate.port })
  await client.expect(/^220 /m)
  const { text } = await client.command('EHLO plain.example.net', /^250/)
  assert.match(text, /^250[- ]STARTTLS$/m)
  await client.command('STARTTLS', /^220 /)
  await client.secure({ servername: 'mx.example.test', ca: await authority.text(), rejectUnauthorized: true })
  return client
}

async function viaBackend(owner: Owner, keys: string): Promise<RunningGate> {
  return startGate(owner, `${fast}backend: { address: '127.0.0.1:${postfix.ports.proxy}', ${keys} }`)
}

async function tryRcpt(owner: Owner, gate: RunningGate): Promise<string> {
  const client = await connect(owner, { port: gate.port })
  const reply = await untilRcpt(client)
  await client.command('QUIT', /^221/)
  return reply
}

test('mail through STARTTLS: the session begins anew, and what TLS came to is told to the backend', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `${fast}${certificatesKey(ours)}\nbackend: 127.0.0.1:${sink.port}`)
  const client = await upgraded(t, gate)
  await client.command('MAIL FROM:<sender@example.net>', /^503 /)
  const { text } = await client.command('EHLO secured.example.net', /^250/)
  assert.doesNotMatch(text, /STARTTLS/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('DATA', /^354/)
  client.sendRaw('Subject: x\r\n\r\nx\r\n.\r\n')
  await client.expect(/^250/)
  await client.command('QUIT', /^221/)
  assert.equal(await client.closed, 'fin')
  const rest = sink.connections.at(-1)?.header?.rest.toString('latin1') ?? ''
  assert.match(rest, /^\x02\x00\x0fmx\.example\.test\x20\x00.\x01\x00\x00\x00\x01\x21\x00\x07TLSv1\.3\x23\x00.TLS_/s)
})

test('Postfix takes the header with what TLS came to, the longest name included', async t => {
  const gate = await startGate(t, `${fast}${certificatesKey(ours)}\nbackend: 127.0.0.1:${postfix.ports.proxy}`)
  const label = 'a'.repeat(62)
  for (const servername of ['mx.example.test', `${label}.${label}.${label}.${label}`]) {
    const client = await connect(t, { port: gate.port })
    await client.expect(/^220 /m)
    await client.command('EHLO plain.example.net', /^250/)
    await client.command('STARTTLS', /^220 /)
    await client.secure({ servername })
    await client.command('EHLO secured.example.net', /^250/)
    await client.command('MAIL FROM:<sender@example.net>', /^250/)
    await client.command('RCPT TO:<user@example.test>', /^250/)
    await client.command('QUIT', /^221/)
  }
})

for (const [name, start] of [
  ['Exim', startExim],
  ['OpenSMTPD', startOpenSmtpd],
] as const) {
  test(`${name} takes it too`, async t => {
    const server = await start(t)
    const gate = await startGate(t, `${fast}${certificatesKey(ours)}\nbackend: 127.0.0.1:${server.port}`)
    const client = await upgraded(t, gate)
    await client.command('EHLO secured.example.net', /^250/)
    await client.command('MAIL FROM:<sender@example.com>', /^250/)
    await client.command('RCPT TO:<user@example.net>', /^250/)
  })
}

test('required: nothing is heard before STARTTLS', async t => {
  const listen = `listen: [{ address: '127.0.0.1:${await freePort()}', tls: required }]\n`
  const gate = await startGate(t, `${fast}${listen}${certificatesKey(ours)}\nbackend: 127.0.0.1:${postfix.ports.proxy}`)
  const client = await connect(t, { port: gate.port })
  await client.expect(/^220 /m)
  await client.command('EHLO plain.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^530 /)
  const secured = await upgraded(t, gate)
  await secured.command('EHLO secured.example.net', /^250/)
  await secured.command('MAIL FROM:<sender@example.net>', /^250/)
  await secured.command('RCPT TO:<user@example.test>', /^250/)
})

test('commands in the clear behind STARTTLS are never run: in its packet, in the next, octet by octet', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `${fast}${certificatesKey(ours)}\nbackend: 127.0.0.1:${sink.port}`)
  const injected = 'EHLO injected.example\r\nMAIL FROM:<injected@example.net>\r\nRCPT TO:<user@example.test>\r\n'
  const ways: Readonly<Record<string, (client: Dialogue) => Promise<void>>> = {
    async together(client) {
      client.sendRaw(`STARTTLS\r\n${injected}`)
      await client.expect(/^220 /)
    },
    async next(client) {
      client.send('STARTTLS')
      client.sendRaw(injected)
      await client.expect(/^220 /)
    },
    async late(client) {
      await client.command('STARTTLS', /^220 /)
      client.sendRaw(injected)
    },
    async single(client) {
      for (const octet of `STARTTLS\r\n${injected}`) {
        client.sendRaw(octet)
        await new Promise(resolve => setImmediate(resolve))
      }
      await client.expect(/^220 /)
    },
  }
  for (const [way, say] of Object.entries(ways)) {
    const client = await connect(t, { port: gate.port })
    const { localPort } = client
    await client.expect(/^220 /m)
    await client.command('EHLO plain.example.net', /^250/)
    await say(client)
    const secured = await client.secure().then(
      () => true,
      () => false,
    )
    if (secured) {
      // Nothing is left of it: no reply waits, no transaction is open, and no EHLO was heard.
      await client.silence(100)
      await client.command('MAIL FROM:<sender@example.net>', /^503 /)
      await client.command('EHLO secured.example.net', /^250-gate\.example\.test/)
      await client.command('QUIT', /^221/)
    }
    const line = await gate.waitForSession(({ port }) => port === localPort)
    assert.deepEqual([line.recipients, line.from, line.to], [0, undefined, undefined], way)
    assert.notEqual(line.helo, 'injected.example', way)
  }
  assert.equal(sink.connections.filter(({ header }) => header?.command === 'PROXY').length, 0)
})

test('openssl(1) brings a message by STARTTLS', async t => {
  const gate = await startGate(t, `${fast}${certificatesKey(ours)}\nbackend: 127.0.0.1:${postfix.ports.proxy}`)
  const lines = ['EHLO o.example.net', 'MAIL FROM:<o@example.net>', 'rcpt to:<user@example.test>', 'DATA']
  const said = [...lines, 'Subject: from openssl\r\n\r\nx\r\n.', 'QUIT'].map(
    line => `sleep 0.3; printf '${line}\\r\\n'`,
  )
  const client = `openssl s_client -quiet -starttls smtp -servername mx.example.test -connect 127.0.0.1:${gate.port}`
  const { stdout } = await run('sh', ['-c', `(${said.join('; ')}; sleep 0.3) | ${client}`])
  assert.match(stdout, /^250 2\.0\.0 Ok: queued as /m)
  await postfix.waitForMessages(1)
})

test('to the backend, required: a known authority and the right name, and nothing else', async t => {
  const required = 'tls: required, tls_ca: '
  const good = await viaBackend(t, `${required}'${authority.file}'`)
  assert.match(await sendMail(await connect(t, { port: good.port }), 'Subject: x\r\n\r\n'), /^250 /)
  await postfix.waitForLog(/proxy\/smtpd.*TLS connection established from.*TLSv1\.3/)
  assert.equal(await good.metric('sallyport_tls_handshakes_total{side="backend",result="ok"}'), 1)
  const named = await viaBackend(t, `${required}'${authority.file}', tls_name: backend.example.test`)
  assert.match(await tryRcpt(t, named), /^250 /)
  for (const [keys, why] of [
    [`${required}'${stranger.file}'`, /UNABLE_TO|SELF_SIGNED|CERT/],
    [`${required}'${authority.file}', tls_name: elsewhere.example`, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['tls: required', /UNABLE_TO|SELF_SIGNED|CERT/],
  ] as const) {
    const gate = await viaBackend(t, keys)
    assert.match(await tryRcpt(t, gate), /^451 /)
    assert.match((await gate.waitForSession(() => true)).detail ?? '', why)
    assert.equal(await gate.metric('sallyport_tls_handshakes_total{side="backend",result="failed"}'), 1)
  }
})

test('to the backend, opportunistic: whoever answers will do; off and loopback: none', async t => {
  const gate = await viaBackend(t, 'tls: opportunistic')
  assert.match(await tryRcpt(t, gate), /^250 /)
  assert.equal(await gate.metric('sallyport_tls_handshakes_total{side="backend",result="ok"}'), 1)
  const auto = await viaBackend(t, 'tls: auto')
  assert.match(await tryRcpt(t, auto), /^250 /)
  assert.equal(await auto.metric('sallyport_tls_handshakes_total{side="backend",result="ok"}'), 0)
})

test('a file of CAs that cannot be read keeps it from starting, and a reload from being taken', async t => {
  const gate = await viaBackend(t, `tls: required, tls_ca: '${authority.file}'`)
  await writeFile(gate.file, gate.settings.replace(authority.file, '/nowhere/ca.pem'))
  gate.signal('SIGHUP')
  await gate.waitForLine(({ msg }) => /tls_ca: \/nowhere\/ca\.pem: cannot be read/.test(String(msg)))
  assert.match(await tryRcpt(t, gate), /^250 /)
  await assert.rejects(
    viaBackend(t, 'tls: required, tls_ca: /nowhere/ca.pem'),
    /tls_ca: \/nowhere\/ca\.pem: cannot be read/,
  )
})

test('pass-through: the client sees the certificate of Postfix, and mail goes through', async t => {
  const listen = `listen: [{ address: '127.0.0.1:${await freePort()}', tls: pass_through }]\n`
  const gate = await startGate(t, `${fast}${listen}backend: 127.0.0.1:${postfix.ports.proxy}`)
  const client = await connect(t, { port: gate.port })
  await client.expect(/^220 /m)
  const { text } = await client.command('EHLO client.example.net', /^250/)
  assert.match(text, /^250[- ]STARTTLS$/m)
  await client.command('STARTTLS', /^220 /)
  const trust = { servername: 'backend.example.test', ca: await authority.text(), rejectUnauthorized: true }
  const socket = await client.secure(trust)
  assert.match(socket.getPeerCertificate().subjectaltname ?? '', /backend\.example\.test/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('DATA', /^354/)
  client.sendRaw(`Subject: spliced\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(200_000, 'y\r\n').concat('\r\n.\r\n'))
  await client.expect(/^250 /)
  await client.command('QUIT', /^221/)
  await client.closed
})
