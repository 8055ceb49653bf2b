import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { Certificates } from '@sallyport/proxy/tls/certificates.js'
import { makeAuthority, type Pair, replacePair } from '../../support/authority.ts'
import { run } from '../../support/process.ts'

const authority = await makeAuthority({ after })

interface Line {
  readonly level: 'info' | 'warn'
  readonly text: string
}

async function load(pairs: readonly Pair[], ciphers: string | null = null) {
  const lines: Line[] = []
  const at = (level: Line['level']) => (_fields: object, text: string) => void lines.push({ level, text })
  const log = { info: at('info'), warn: at('warn') }
  const certificates = await Certificates.load({ certificates: pairs, minVersion: 'TLSv1.2', ciphers }, log)
  return { certificates, lines }
}

test('the name that a client asks for picks the certificate; a wildcard is one label; otherwise the first', async () => {
  const one = await authority.issue(['one.example.org', 'Alias.example.org'])
  const two = await authority.issue(['two.example.org', '*.example.net', 'one.example.org'])
  const { certificates } = await load([one, two])
  const [first, second] = [certificates.usual, certificates.forName('two.example.org')]
  assert.ok(first !== null && second !== null && first !== second)
  const pick = (name: string) => {
    const found = certificates.forName(name)
    return found === first ? 'one' : found === second ? 'two' : 'none'
  }
  for (const [name, picked] of [
    ['one.example.org', 'one'],
    ['ONE.example.ORG', 'one'],
    ['alias.example.org', 'one'],
    ['a.example.net', 'two'],
    ['a.b.example.net', 'none'],
    ['example.net', 'none'],
    ['*.example.net', 'two'],
    ['.example.net', 'two'],
    ['elsewhere.example', 'none'],
    ['', 'none'],
    ['__proto__', 'none'],
  ] as const) {
    assert.equal(pick(name), picked, name)
  }
  const answered: unknown[] = []
  for (const name of ['elsewhere.example', 'a.example.net']) {
    certificates.answerName(name, (error, context) => answered.push(error, context))
  }
  assert.deepEqual(answered, [null, first, null, second])
  assert.deepEqual(
    certificates.expiries.map(({ certificate }) => certificate),
    ['one.example.org', 'two.example.org'],
  )
  const inMonth = Date.now() / 1000 + 30 * 86_400
  for (const { at } of certificates.expiries) assert.ok(Math.abs(at - inMonth) < 3600, String(at))
})

test('a bad pair is told by its file and by what is wrong with it', async () => {
  const good = await authority.issue(['good.example.org'])
  const other = await authority.issue(['other.example.org'])
  const text = `${authority.folder}/text`
  await writeFile(text, 'no PEM at all\n')
  const locked = `${authority.folder}/locked.key`
  await run('openssl', ['pkcs8', '-topk8', '-in', good.key, '-out', locked, '-passout', 'pass:secret'])
  for (const [pair, problem] of [
    [{ ...good, cert: '/nowhere/cert.pem' }, /^\/nowhere\/cert\.pem: cannot be read \(ENOENT\)$/],
    [{ ...good, key: '/nowhere/key' }, /^\/nowhere\/key: cannot be read \(ENOENT\)$/],
    [{ ...good, cert: text }, /text: no certificate in PEM/],
    [{ ...good, key: text }, /text: no private key in PEM/],
    [{ ...good, key: good.cert }, /\.pem: no private key in PEM/],
    [{ ...good, key: other.key }, /\.key: not the key of .*\.pem$/],
    [{ ...good, key: locked }, /locked\.key: the key has a passphrase/],
    [{ ...good, cert: authority.folder }, /: not a file$/],
    [{ ...good, cert: '/dev/zero' }, /^\/dev\/zero: not a file$/],
  ] as const) {
    const { certificates } = await load([pair])
    assert.equal(certificates.problems.length, 1)
    assert.match(certificates.problems[0] ?? '', problem)
  }
  assert.deepEqual((await load([good, other])).certificates.problems, [])
})

test('an expired certificate is shown all the same, with a warning', async () => {
  const { certificates, lines } = await load([await authority.issue(['old.example.org'], -1)])
  assert.deepEqual(certificates.problems, [])
  assert.deepEqual(lines, [{ level: 'warn', text: 'this certificate has expired' }])
  assert.ok((certificates.expiries[0]?.at ?? 0) < Date.now() / 1000)
})

test('a certificate without a name has its place in the list for one', async () => {
  const { certificates } = await load([await authority.issue(['a.example.org']), await authority.issue([])])
  assert.deepEqual(
    certificates.expiries.map(({ certificate }) => certificate),
    ['a.example.org', '1'],
  )
})

test('new files are read once they have settled; until then, and where they are bad, the old certificate holds', async () => {
  const pair = await authority.issue(['before.example.org'])
  const { certificates, lines } = await load([pair])
  const old = certificates.usual
  await certificates.poll()
  await certificates.poll()
  assert.equal(certificates.usual, old)
  // The certificate alone: its key comes later, or never.
  const next = await authority.issue(['after.example.org'])
  await replacePair({ ...pair, key: `${pair.key}.elsewhere` }, next)
  await certificates.poll()
  assert.equal(certificates.isCurrent, true, 'it is not looked at before it has settled')
  await certificates.poll()
  assert.equal(certificates.usual, old)
  assert.equal(certificates.isCurrent, false)
  await certificates.poll()
  await certificates.poll()
  assert.deepEqual(lines, [{ level: 'warn', text: 'new certificate not taken, the old one holds' }])
  await replacePair(pair, next)
  await certificates.poll()
  await certificates.poll()
  assert.notEqual(certificates.usual, old)
  assert.equal(certificates.isCurrent, true)
  assert.equal(certificates.forName('before.example.org'), null)
  assert.equal(certificates.forName('after.example.org'), certificates.usual)
  assert.deepEqual(lines.slice(1), [{ level: 'info', text: 'certificate read again' }])
})
