import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { examineBackend } from '@sallyport/proxy/doctor/backend.js'
import type { Finding } from '@sallyport/proxy/doctor/report.js'
import type { BackendTls } from '@sallyport/proxy/tls/backend-tls.js'
import { makeCertificate } from '../support/certificate.ts'
import { startSink } from '../support/sink.ts'
import { startTlsSink } from '../support/tls-sink.ts'

const certificate = await makeCertificate({ after }, ['mail.example.test'])
const required: BackendTls = {
  mode: 'required',
  context: createSecureContext({ ca: certificate.cert }),
  name: 'mail.example.test',
}

/** The findings on TLS, and whatever failed. */
async function findingsOf(port: number, tls: BackendTls): Promise<readonly string[]> {
  const backend = { endpoint: { host: '127.0.0.1', port }, identity: 'none' } as const
  const patience = { connect: 1_000, greeting: 1_000, reply: 500 }
  const keywords = { auth: 'tls', withhold: [] } as const
  const surroundings = {
    hostname: 'gate.example.test',
    patience,
    recipientDomains: ['a.example'],
    recipient: null,
    keywords,
  }
  const { report } = await examineBackend({ key: 'backend', name: 'it', backend, tls }, surroundings)
  const told = ({ point, level }: Finding) => point === 'TLS' || level === 'FAIL'
  return report.findings.filter(told).map(({ level, point, saw }) => `${level} ${point} ${saw}`)
}

const assertAll = (lines: readonly string[], ...patterns: readonly RegExp[]) => {
  assert.equal(lines.length, patterns.length, lines.join('\n'))
  for (const [i, pattern] of patterns.entries()) assert.match(lines[i] ?? '', pattern)
}

test('required and verified: everything after is said inside TLS', async t => {
  const sink = await startTlsSink(t, { certificate })
  assertAll(
    await findingsOf(sink.port, required),
    /^ok TLS TLSv1\.3 TLS_\w+, certificate until \d{4}-\d\d-\d\d, verified$/,
  )
  assert.deepEqual(
    [...new Set(sink.commands.filter(line => !line.startsWith('tls ')))],
    ['EHLO gate.example.test', 'STARTTLS'],
  )
  assert.ok(sink.commands.includes('tls MAIL FROM:<>'))
})

test('required, and a certificate that is soon over', async t => {
  const sink = await startTlsSink(t, { certificate: await makeCertificate(t, ['mail.example.test'], 3) })
  assertAll(await findingsOf(sink.port, { ...required, mode: 'opportunistic' }), /^ok TLS .*not verified/)
  const brief = await makeCertificate(t, ['mail.example.test'], 3)
  const behind = await startTlsSink(t, { certificate: brief })
  assertAll(
    await findingsOf(behind.port, { ...required, context: createSecureContext({ ca: brief.cert }) }),
    /^warn TLS .*, verified$/,
  )
})

test('required, and not to be had: not offered, refused, no handshake, another name', async t => {
  const plain = await startSink(t, { keywords: [] })
  assertAll(await findingsOf(plain.port, required), /^FAIL TLS not offered, and it is required$/)
  const refusing = await startTlsSink(t, { certificate, answer: '454 4.7.0 Not now\r\n' })
  assertAll(
    await findingsOf(refusing.port, required),
    /^FAIL TLS offered, and failed: it answered 454 4\.7\.0 Not now$/,
  )
  const silent = await startTlsSink(t, { certificate, silent: true })
  assertAll(await findingsOf(silent.port, required), /^FAIL TLS offered, and failed: no answer in 0\.5 s$/)
  const sink = await startTlsSink(t, { certificate })
  const named = await findingsOf(sink.port, { ...required, name: 'other.example.test' })
  assertAll(named, /^FAIL TLS .*not verified \(ERR_TLS_CERT_ALTNAME_INVALID\)$/)
  assert.deepEqual(sink.commands, ['EHLO gate.example.test', 'STARTTLS'])
})

test('a backend that wants nothing to do with us inside TLS', async t => {
  const sink = await startTlsSink(t, { certificate, hello: '554 5.7.0 No\r\n' })
  assertAll(await findingsOf(sink.port, required), /^ok TLS /, /^FAIL EHLO inside TLS: it answered 554 5\.7\.0 No$/)
})

test('opportunistic, and it fails: the gate goes on in clear, and so does the doctor', async t => {
  const sink = await startTlsSink(t, { certificate, answer: '454 4.7.0 Not now\r\n' })
  const found = await findingsOf(sink.port, { ...required, mode: 'opportunistic' })
  assertAll(found, /^warn TLS offered, and failed: /)
  assert.ok(sink.commands.includes('MAIL FROM:<>'))
})
