// TLS with a real Postfix behind, of which the operator demands it, and the other ways in which nobody answers as expected.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { makeAuthority } from '../support/authority.ts'
import { makeCertificate } from '../support/certificate.ts'
import { assertFinding, type Diagnosis, diagnose } from '../support/doctor.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { startPostfix } from '../support/postfix.ts'

const authority = await makeAuthority({ after })

async function demand(
  owner: Owner,
  pair: { readonly cert: string; readonly key: string },
  more = '',
): Promise<Diagnosis> {
  const main = { smtpd_tls_cert_file: pair.cert, smtpd_tls_key_file: pair.key, smtpd_tls_security_level: 'may' }
  const { ports } = await startPostfix(owner, { main })
  return diagnose(owner, `backend: { address: '127.0.0.1:${ports.proxy}', tls: required${more} }`)
}

test('a certificate of a CA that the gate knows: all else is looked at inside TLS', async t => {
  const pair = await authority.issue(['backend.example.test'])
  const found = await demand(t, pair, `, tls_ca: '${authority.file}', tls_name: backend.example.test`)
  assert.deepEqual([found.code, found.troubles], [0, []])
  assertFinding(found.of('TLS'), 'ok', /^TLSv1\.3 .*, verified$/)
  assertFinding(found.of('relay'), 'ok', /^refused for 203\.0\.113\.77/)
})

test('one that signed itself, one of another name, one that is over: each with what would do', async t => {
  const { certFile: cert, keyFile: key } = await makeCertificate(t, ['backend.example.test'])
  const own = await demand(t, { cert, key })
  assert.deepEqual([own.code, own.troubles], [1, ['FAIL TLS']])
  assertFinding(own.of('TLS'), 'FAIL', /not verified \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/, /^name the CA .*\(tls_ca/)
  // What the advice says is enough.
  assert.equal((await demand(t, { cert, key }, `, tls_ca: '${cert}', tls_name: backend.example.test`)).code, 0)

  const ca = `, tls_ca: '${authority.file}'`
  const named = await demand(t, await authority.issue(['backend.example.test', 'other.example.test']), ca)
  const advice = /^set tls_name to one of its names \(DNS:backend\.example\.test, DNS:other\.example\.test\)/
  assertFinding(named.of('TLS'), 'FAIL', /\(ERR_TLS_CERT_ALTNAME_INVALID\)$/, advice)
  const over = await demand(t, await authority.issue(['backend.example.test'], -1), ca)
  assertFinding(over.of('TLS'), 'FAIL', /not verified \(CERT_HAS_EXPIRED\)$/, /^renew it$/)
})

test('another program on the port, and a name without an address', async t => {
  const web = createServer()
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', () => resolve()))
  undoAfter(t, () => void web.close())
  const address = web.address()
  const port = typeof address === 'object' ? address?.port : 0
  const patience = 'timeouts: { backend_greeting: 1s }'
  const found = await diagnose(t, `backend: '127.0.0.1:${port}'\n${patience}`)
  assertFinding(
    found.of('greeting'),
    'FAIL',
    /^it does not speak SMTP: HTTP\/1\.1 400 Bad Request$/,
    /^another program/,
  )
  const nowhere = await diagnose(t, "backend: 'mail.nowhere.invalid:25'")
  assertFinding(nowhere.of('reachable'), 'FAIL', /^(?:ENOTFOUND|EAI_AGAIN)$/, /^the name has no address/)
})
