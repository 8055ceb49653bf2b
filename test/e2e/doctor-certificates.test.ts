import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { certificatesKey, makeAuthority, type Pair } from '../support/authority.ts'
import { makeCertificate } from '../support/certificate.ts'
import { assertFinding, type Diagnosis, diagnose } from '../support/doctor.ts'
import type { Owner } from '../support/owner.ts'

const authority = await makeAuthority({ after })
const good = await authority.issue(['gate.example.test', '*.example.net'])
/** With who signed it behind, as certificates come from those who issue them. */
const whole = await chainOf('whole', good, await authority.text())

async function chainOf(name: string, pair: Pair, ...behind: readonly string[]): Promise<Pair> {
  const cert = join(authority.folder, `${name}.pem`)
  await writeFile(cert, [await readFile(pair.cert, 'utf8'), ...behind].join(''))
  return { cert, key: pair.key }
}

const examine = (owner: Owner, ...pairs: readonly Pair[]): Promise<Diagnosis> =>
  diagnose(owner, `backend: embedded\n${certificatesKey(...pairs)}`)

test('a certificate that is good: its names, its days, its chain', async t => {
  const found = await examine(t, whole)
  const subject = `certificate ${whole.cert}`
  assert.deepEqual([found.code, found.troubles], [0, []])
  assertFinding(found.of('files', subject), 'ok', /^read, and \S+\.key is its key$/)
  assertFinding(found.of('dates', subject), 'ok', /^until \d{4}-\d\d-\d\d, 29 days are left$/)
  assertFinding(found.of('names', subject), 'ok', /^gate\.example\.test \*\.example\.net$/)
  assertFinding(found.of('chain', subject), 'ok', /^of no use < test authority$/)
  assertFinding(found.of('hostname', 'certificates'), 'ok', /^one is for gate\.example\.test$/)
})

test('files that cannot be read, that are no certificate, another key: each certificate by itself', async t => {
  const other = await authority.issue(['other.example.test'])
  const absent = { cert: join(authority.folder, 'absent.pem'), key: good.key }
  const found = await examine(
    t,
    whole,
    absent,
    { cert: other.key, key: other.key },
    { cert: whole.cert, key: other.key },
  )
  assert.deepEqual([found.code, found.troubles], [1, ['FAIL files', 'FAIL files', 'FAIL files']])
  const faults = found.findings.filter(({ level }) => level === 'FAIL')
  assertFinding(faults[0] ?? assert.fail(), 'FAIL', /absent\.pem: cannot be read \(ENOENT\)$/, /does not start/)
  assertFinding(faults[1] ?? assert.fail(), 'FAIL', /\.key: no certificate in PEM/)
  assertFinding(faults[2] ?? assert.fail(), 'FAIL', /\.key: not the key of \S+whole\.pem$/)
  assertFinding(found.of('files', `certificate ${whole.cert}`), 'ok', /^read/)
})

test('over, and over soon, of the certificate or of any in its chain', async t => {
  const text = await authority.text()
  const over = await chainOf('over', await authority.issue(['gate.example.test'], -1), text)
  const late = await chainOf('late', await authority.issue(['gate.example.test'], 10), text)
  const found = await examine(t, over, late)
  assertFinding(found.of('dates', `certificate ${over.cert}`), 'FAIL', /^over since \d{4}-\d\d-\d\d$/, /^renew it/)
  assertFinding(found.of('dates', `certificate ${late.cert}`), 'warn', /^until \S+, 9 days are left$/, /^renew it/)
  assert.deepEqual([found.code, found.troubles], [1, ['FAIL dates', 'warn dates']])
  const brief = await chainOf('brief', good, (await makeCertificate(t, ['intermediate.example.test'], 4)).cert)
  assertFinding((await examine(t, brief)).of('dates'), 'warn', /^until \S+, 3 days are left$/)
})

test('a chain out of order, one that lacks its end, one that needs none', async t => {
  const stranger = await makeCertificate(t, ['stranger.example.test'])
  const swapped = await chainOf('swapped', good, stranger.cert, await authority.text())
  const found = await examine(t, swapped, good)
  assert.deepEqual([found.code, found.troubles], [0, ['warn chain', 'warn chain']])
  assertFinding(
    found.of('chain', `certificate ${swapped.cert}`),
    'warn',
    /^out of order: of no use < stranger\.example\.test < test authority$/,
    /^stranger\.example\.test has not signed what stands before it/,
  )
  assertFinding(
    found.of('chain', `certificate ${good.cert}`),
    'warn',
    /^of no use, whose signer is not there$/,
    /fullchain/,
  )
  const { certFile: cert, keyFile: key } = await makeCertificate(t, ['gate.example.test'])
  assertFinding((await examine(t, { cert, key })).of('chain'), 'ok', /^signed by itself: gate\.example\.test$/)
})

test('names: none at all, and none that is that of this host', async t => {
  const nameless = await chainOf('nameless', await authority.issue([]), await authority.text())
  const found = await examine(t, nameless)
  assertFinding(found.of('names'), 'warn', /^none$/, /subjectAltName/)
  assertFinding(found.of('hostname', 'certificates'), 'warn', /^none is for gate\.example\.test$/, /MTA-STS/)
  assert.deepEqual([found.code, found.troubles], [0, ['warn names', 'warn hostname']])
})
