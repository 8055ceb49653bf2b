// Port 465: TLS from the first octet, real Postfix behind.

import assert from 'node:assert/strict'
import { connect as connectPlain } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { certificatesKey, makeAuthority, replacePair } from '../support/authority.ts'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startPostfix } from '../support/postfix.ts'
import { run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { believing, proxyLine, sendMail, untilRcpt } from './client.ts'

const postfix = await startPostfix({ after })
const authority = await makeAuthority({ after })
const [one, two] = [await authority.issue(['one.example.test']), await authority.issue(['*.two.example.test'])]

async function settings(more = ''): Promise<string> {
  return `listen: [{ address: '127.0.0.1:${await freePort()}', tls: implicit }]
${more.includes('tls:') ? '' : certificatesKey(one, two)}
backend: 127.0.0.1:${postfix.ports.proxy}
${more}`
}

test('mail goes through; the client sees the certificate of the name that it asks for', async t => {
  const gate = await startGate(t, await settings())
  const ca = await authority.text()
  for (const [servername, name] of [
    ['one.example.test', 'one.example.test'],
    ['mx.two.example.test', '*.two.example.test'],
    ['elsewhere.example', 'one.example.test'],
  ] as const) {
    const client = await connect(t, { port: gate.port })
    const socket = await client.secure({ ca, servername, rejectUnauthorized: servername !== 'elsewhere.example' })
    assert.equal(socket.getPeerCertificate().subjectaltname, `DNS:${name}`)
    assert.equal(socket.getProtocol(), 'TLSv1.3')
    assert.match(await sendMail(client, `Subject: ${servername}\r\n\r\nx\r\n`), /^250 /)
    assert.equal(await client.closed, 'fin')
  }
  await postfix.waitForMessages(3)
  assert.equal(await gate.metric('sallyport_tls_handshakes_total{side="client",result="ok"}'), 3)
  const expiry = await gate.metric('sallyport_tls_certificate_expiry_timestamp_seconds{certificate="one.example.test"}')
  assert.ok(Math.abs(expiry - Date.now() / 1000 - 30 * 86_400) < 3600)
})

test('the EHLO reply inside TLS offers no STARTTLS', async t => {
  const gate = await startGate(t, await settings())
  const client = await connect(t, { port: gate.port, tls: {} })
  await client.expect(/^220 /m)
  const { text } = await client.command('EHLO client.example.net', /^250/)
  assert.doesNotMatch(text, /STARTTLS/)
  await client.command('STARTTLS', /^5\d\d /)
})

test('whoever speaks inside TLS before the greeting is an early talker; behind a handshake as well', async t => {
  const gate = await startGate(t, `${await settings()}\ngreet: { wait: 1s }\nchecks: { pregreet: { action: refuse } }`)
  const client = await connect(t, { port: gate.port })
  // In one flight with the end of the handshake.
  await client.secure({}, 'EHLO client.example.net\r\n')
  await client.expect(/^220 /m)
  await client.expect(/^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^5\d\d /)
  await client.command('QUIT', /^221/)
  const line = await gate.waitForSession(() => true)
  assert.match(JSON.stringify(line.checks), /"pregreet":"fail/)
})

test('a PROXY header comes before the handshake, in the same packet or cut anywhere', async t => {
  const gate = await startGate(t, await settings(`${believing}\n`))
  const header = proxyLine('203.0.113.9')
  for (const cut of [header.length, 1, 20]) {
    const raw = connectPlain({ port: gate.port, host: '127.0.0.1', noDelay: true })
    t.after(() => raw.destroy())
    raw.write(header.slice(0, cut))
    if (cut < header.length) {
      await new Promise(resolve => setTimeout(resolve, 30))
      raw.cork()
      raw.write(header.slice(cut))
      process.nextTick(() => raw.uncork())
    }
    const socket = connectTls({ socket: raw, rejectUnauthorized: false })
    const greeting = await new Promise<string>((resolve, reject) => {
      socket.once('data', octets => resolve(octets.toString()))
      socket.once('error', reject)
    })
    assert.match(greeting, /^220/)
    socket.destroy()
  }
  await gate.waitForSession(() => gate.log().length === 3)
  for (const { client } of gate.log()) assert.equal(client, '203.0.113.9')
})

test('TLS 1.1 is refused, and with it what is no TLS at all; TLS 1.2 is taken unless 1.3 is demanded', async t => {
  const gate = await startGate(t, await settings())
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await assert.rejects(connect(t, { port: gate.port, tls: old }), /PROTOCOL_VERSION|protocol version/i)
  const client = await connect(t, { port: gate.port })
  client.send('EHLO client.example.net')
  await client.closed
  const socket = await (await connect(t, { port: gate.port })).secure({ maxVersion: 'TLSv1.2' })
  assert.equal(socket.getProtocol(), 'TLSv1.2')
  assert.equal(await gate.metric('sallyport_tls_handshakes_total{side="client",result="failed"}'), 2)
  await gate.waitForLine(({ why }) => why === 'ERR_SSL_WRONG_VERSION_NUMBER')
  const why = gate.lines().flatMap(line => (line.event === 'tls_handshake' ? [line['why']] : []))
  assert.deepEqual(why, ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_WRONG_VERSION_NUMBER'])
  const strict = `tls: { certificates: [{ cert: '${one.cert}', key: '${one.key}' }], min_version: TLSv1.3 }`
  const other = await startGate(t, await settings(strict))
  await assert.rejects(connect(t, { port: other.port, tls: { maxVersion: 'TLSv1.2' } }), /protocol version/i)
})

test('a client cannot renegotiate', async t => {
  const gate = await startGate(t, await settings())
  const client = await connect(t, { port: gate.port })
  const socket = await client.secure({ maxVersion: 'TLSv1.2' })
  await client.expect(/^220 /m)
  const error = await new Promise<Error | null>(resolve => {
    socket.once('error', resolve)
    socket.renegotiate({}, resolve)
  })
  assert.match(String(error), /no.renegotiation/i)
})

test('openssl(1) is greeted, and what it says is heard', async t => {
  const gate = await startGate(t, `${await settings()}\ngreet: { wait: 0s }`)
  const script = `(sleep 0.5; printf 'QUIT\\r\\n'; sleep 0.5) | openssl s_client -quiet -connect 127.0.0.1:${gate.port}`
  const { stdout } = await run('sh', ['-c', script])
  assert.match(stdout, /^220 [^\n]*\n221 /)
})

test('a certificate replaced under traffic drops nobody, and who comes later sees the new one; a broken one changes nothing', async t => {
  const pair = await authority.issue(['before.example.test'])
  const gate = await startGate(t, await settings(certificatesKey(pair)))
  const shown = async () => {
    const client = await connect(t, { port: gate.port })
    const name = (await client.secure()).getPeerCertificate().subjectaltname
    client.destroy()
    return name
  }
  const client = await connect(t, { port: gate.port, tls: {} })
  assert.match(await untilRcpt(client), /^250 /)
  await client.command('DATA', /^354/)
  client.sendRaw('Subject: replaced\r\n\r\nfirst half\r\n')
  await replacePair(pair, await authority.issue(['after.example.test']))
  await gate.waitForLine(({ msg }) => msg === 'certificate read again', 12_000)
  assert.equal(await shown(), 'DNS:after.example.test')
  client.sendRaw('second half\r\n.\r\n')
  await client.expect(/^250 /)
  await replacePair({ ...pair, key: `${pair.key}.elsewhere` }, one)
  const refused = await gate.waitForLine(({ msg }) => msg === 'new certificate not taken, the old one holds', 12_000)
  assert.match(String(refused['problem']), /\.key: not the key of /)
  assert.equal(await gate.metric('sallyport_tls_certificates_current'), 0)
  assert.equal(await shown(), 'DNS:after.example.test')
  // By SIGHUP as well: the whole configuration is kept.
  gate.signal('SIGHUP')
  await gate.waitForLine(({ msg }) => /^tls: .*: not the key of /.test(String(msg)))
  assert.equal(await shown(), 'DNS:after.example.test')
  await replacePair(pair, two)
  gate.signal('SIGHUP')
  await gate.waitForLine(({ msg }) => msg === 'the new configuration is in force')
  assert.equal(await shown(), 'DNS:*.two.example.test')
  await client.command('QUIT', /^221/)
})

test('16 MB of mail pass through TLS with their octets in order', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `${(await settings()).replace(/^backend:.*$/m, `backend: 127.0.0.1:${sink.port}`)}`)
  const line = `${Array.from({ length: 70 }, (_, i) => String.fromCharCode(48 + i)).join('')}\r\n`
  const body = Array.from({ length: 230_000 }, (_, i) => `${i} ${line}`).join('')
  assert.match(await sendMail(await connect(t, { port: gate.port, tls: {}, waitMs: 30_000 }), body), /^250 /)
  assert.equal(sink.messages[0]?.toString('latin1'), body)
})

test('a bad pair keeps it from starting, and says which file and why', async t => {
  const folder = await tempDirectory(t, 'bad')
  const gate = startGate(t, await settings(certificatesKey({ cert: `${folder}/none.pem`, key: one.key })))
  await assert.rejects(gate, /tls: .*none\.pem: cannot be read \(ENOENT\)/)
})
