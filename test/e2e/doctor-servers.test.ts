import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFinding, diagnose } from '../support/doctor.ts'
import { startExim } from '../support/exim.ts'
import { startOpenSmtpd } from '../support/opensmtpd.ts'
import { startSendmail } from '../support/sendmail.ts'

const settings = (port: number, identity: string) =>
  `backend: { address: '127.0.0.1:${port}', identity: ${identity} }\ntimeouts: { backend_greeting: 5s }\n`

test('Exim with its recipe names the stranger in its reply to EHLO', async t => {
  const exim = await startExim(t)
  for (const identity of ['proxy_v2', 'proxy_v1']) {
    const found = await diagnose(t, settings(exim.port, identity))
    assert.deepEqual([found.code, found.troubles], [0, []])
    assertFinding(found.of('identity'), 'ok', /^it greets the client that the header names: .*\[203\.0\.113\.77\]$/)
    assertFinding(found.of('relay'), 'ok', /550 relay not permitted$/)
  }
  // It greets after 3 s without a header, and then refuses every command.
  const mute = await diagnose(t, `${settings(exim.port, 'none')}recipient_domains: [example.net]`)
  assertFinding(
    mute.of('EHLO'),
    'FAIL',
    /^it answered 503 /,
    /^it greets behind a PROXY header: set identity: proxy_v2$/,
  )
})

test('Exim that was not told of the header', async t => {
  const exim = await startExim(t, { edit: text => text.replace(/^hosts_proxy.*$/m, '') })
  const found = await diagnose(t, settings(exim.port, 'proxy_v2'))
  assert.equal(found.code, 1)
  const trouble = found.findings.find(({ level }) => level === 'FAIL')
  assert.match(trouble?.advice ?? '', /^it greets without a header: let that port expect the header/)
})

test('OpenSMTPD with its recipe, and with the version of the header that it does not know', async t => {
  const openSmtpd = await startOpenSmtpd(t)
  const found = await diagnose(t, settings(openSmtpd.port, 'proxy_v2'))
  assert.deepEqual([found.code, found.troubles], [0, []])
  assertFinding(found.of('identity'), 'ok', /^it greets the client that the header names: .*\[203\.0\.113\.77\]/)
  assertFinding(found.of('relay'), 'ok', /550 Invalid recipient/)
  const other = await diagnose(t, settings(openSmtpd.port, 'proxy_v1'))
  assertFinding(other.of('greeting'), 'FAIL', /./, /^it greets behind a PROXY header: set identity: proxy_v2$/)
})

test('Sendmail as Debian builds it: it relays for loopback, and knows no X-CONNECT', async t => {
  const sendmail = await startSendmail(t)
  const found = await diagnose(t, `${settings(sendmail.ports.plain, 'none')}recipient_domains: [example.test]`)
  assert.deepEqual([found.code, found.troubles], [0, ['warn identity']])
  assertFinding(found.of('relay'), 'ok', /^it relays for the gate itself: .*recipient_domains/)
  const deaf = await diagnose(t, settings(sendmail.ports.plain, 'xconnect'))
  assertFinding(deaf.of('EHLO'), 'FAIL', /^it answered 500 5\.5\.1 /, /_FFR_XCNCT/)
  assert.equal(deaf.code, 1)
})
