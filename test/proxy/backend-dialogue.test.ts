import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { BackendDialogue, BackendFault, type DialogueOptions } from '@sallyport/proxy/backend-dialogue.js'
import type { BackendTls } from '@sallyport/proxy/tls/backend-tls.js'
import { parseAddress } from '@sallyport/rules'
import { makeCertificate } from '../support/certificate.ts'
import { startSink } from '../support/sink.ts'
import { startTlsSink } from '../support/tls-sink.ts'

const certificate = await makeCertificate({ after }, ['mail.example.test', '127.0.0.1'])
const other = await makeCertificate({ after }, ['mail.example.test'])

const required: BackendTls = {
  mode: 'required',
  context: createSecureContext({ ca: certificate.cert }),
  name: 'mail.example.test',
}
const opportunistic: BackendTls = { mode: 'opportunistic', context: null, name: 'mail.example.test' }

function dialogueWith(t: TestContext, port: number, more: Partial<DialogueOptions> = {}): BackendDialogue {
  const dialogue = BackendDialogue.begin({
    backend: { endpoint: { host: '127.0.0.1', port }, identity: 'none' },
    hostname: 'gate.example.test',
    as: 'gate',
    patience: 5_000,
    signal: new AbortController().signal,
    ...more,
  })
  t.after(() => dialogue.end())
  return dialogue
}

const fails = (promise: Promise<unknown>, why: RegExp) =>
  assert.rejects(promise, fault => fault instanceof BackendFault && why.test(fault.message))

test('required: the keywords are those that were said inside TLS', async t => {
  const sink = await startTlsSink(t, { certificate })
  assert.deepEqual(await dialogueWith(t, sink.port).introduce(required), ['DSN'])
  assert.deepEqual(sink.commands, ['EHLO gate.example.test', 'STARTTLS', 'tls EHLO gate.example.test'])
})

test('the certificate of an address is good for that address', async t => {
  const sink = await startTlsSink(t, { certificate })
  assert.deepEqual(await dialogueWith(t, sink.port).introduce({ ...required, name: '127.0.0.1' }), ['DSN'])
})

for (const [what, tls, why] of [
  ['another name', { ...required, name: 'other.example.test' }, /^its certificate is not good: ERR_TLS_CERT_ALTNAME/],
  ['another address', { ...required, name: '127.0.0.2' }, /^its certificate is not good: ERR_TLS_CERT_ALTNAME/],
  ['another CA', { ...required, context: createSecureContext({ ca: other.cert }) }, /^its certificate is not good: /],
  ['no CA of ours', { ...required, context: null }, /^its certificate is not good: DEPTH_ZERO_SELF_SIGNED_CERT$/],
] as const) {
  test(`required: with ${what} nothing is said inside TLS`, async t => {
    const sink = await startTlsSink(t, { certificate })
    await fails(dialogueWith(t, sink.port).introduce(tls), why)
    assert.deepEqual(sink.commands, ['EHLO gate.example.test', 'STARTTLS'])
  })
}

test('opportunistic: any certificate will do', async t => {
  const sink = await startTlsSink(t, { certificate })
  assert.deepEqual(await dialogueWith(t, sink.port).introduce(opportunistic), ['DSN'])
})

test('a backend without STARTTLS: enough for opportunistic, not for required', async t => {
  const sink = await startSink(t, { keywords: ['SIZE'] })
  assert.deepEqual(await dialogueWith(t, sink.port).introduce(opportunistic), ['SIZE'])
  await fails(dialogueWith(t, sink.port).introduce(required), /^it does not offer STARTTLS$/)
})

for (const behind of ['250 2.0.0 Ok\r\n', '250-', '2', '\r\n']) {
  test(`${JSON.stringify(behind)} behind the 220 to STARTTLS is a fault`, async t => {
    const sink = await startTlsSink(t, { certificate, answer: `220 2.0.0 Ready\r\n${behind}` })
    await fails(dialogueWith(t, sink.port).introduce(required), /^it said something between|^it does not speak SMTP: /)
    assert.deepEqual(sink.commands, ['EHLO gate.example.test', 'STARTTLS'])
  })
}

test('a no to STARTTLS, and a handshake that does not come', async t => {
  const refusing = await startTlsSink(t, { certificate, answer: '454 4.7.0 TLS not available\r\n' })
  await fails(dialogueWith(t, refusing.port).introduce(opportunistic), /^it answered 454 4\.7\.0 TLS not available$/)
  const silent = await startTlsSink(t, { certificate, silent: true })
  await fails(dialogueWith(t, silent.port, { patience: 300 }).introduce(opportunistic), /^no answer in 0\.3 s$/)
})

test('one that says nothing', async t => {
  const sink = await startSink(t, { faults: { greeting: { kind: 'hang' } } })
  await fails(dialogueWith(t, sink.port, { patience: 300 }).introduce(opportunistic), /^no answer in 0\.3 s$/)
})

test('a reply that nobody asked for is a fault of the next step, and every later step has the same', async t => {
  const sink = await startSink(t, { faults: { ehlo: { kind: 'extra', text: '250 2.0.0 And more' } } })
  const dialogue = dialogueWith(t, sink.port)
  await dialogue.connected()
  await dialogue.greeting()
  await dialogue.hello()
  // The second reply may come behind the question for a third.
  await fails(
    dialogue.say('NOOP').then(() => dialogue.say('NOOP')),
    /^it spoke out of turn: 250 2\.0\.0 (?:And more|Ok)$/,
  )
  await fails(dialogue.say('NOOP'), /^it spoke out of turn: 250 2\.0\.0 And more$/)
  await fails(dialogue.say('NOOP'), /^it spoke out of turn: /)
})

test('an abort ends it with its reason, before the connection too', async t => {
  const end = new AbortController()
  const sink = await startSink(t, { faults: { greeting: { kind: 'hang' } } })
  const dialogue = dialogueWith(t, sink.port, { signal: end.signal })
  await dialogue.connected()
  const greeting = dialogue.greeting()
  end.abort('the gate ends')
  await fails(greeting, /^the gate ends$/)
  await fails(dialogueWith(t, sink.port, { signal: end.signal }).introduce(required), /^the gate ends$/)
})

test('the header names the gate, a client, or is not there', async t => {
  const sink = await startSink(t, { proxy: true })
  const backend = { endpoint: { host: '127.0.0.1', port: sink.port }, identity: 'proxy_v2' } as const
  const stranger = parseAddress('2001:db8::7')
  assert.ok(stranger !== null)
  await dialogueWith(t, sink.port, { backend }).introduce(opportunistic)
  await dialogueWith(t, sink.port, { backend, as: stranger }).introduce(opportunistic)
  assert.deepEqual(
    sink.connections.map(({ header }) => header?.source?.address),
    [undefined, '2001:db8:0:0:0:0:0:7'],
  )
  await fails(
    dialogueWith(t, sink.port, { backend, as: 'nobody', patience: 300 }).introduce(opportunistic),
    /^no answer/,
  )
})
