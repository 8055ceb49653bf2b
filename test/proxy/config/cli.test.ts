import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../../../packages/proxy/dist/cli.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
after(() => rmSync(folder, { recursive: true }))
const empty = join(folder, 'empty')
mkdirSync(empty)

writeFileSync(join(folder, 'sallyport.yaml'), 'trusted_proxies: [10.0.0.0/8]\n')
writeFileSync(join(folder, 'wrong.yaml'), 'greet: { wait: 6 }\nlisen: []\n')
writeFileSync(join(folder, 'large.yaml'), '#'.repeat(3_000_000))

function sallyport(args: readonly string[], cwd = folder): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('cli: check tells all errors and exits with 78', () => {
  const wait = 'wrong.yaml:1:16 greet.wait: found 6, which has no unit: write 6s'
  const lisen = 'wrong.yaml:2:1 lisen: unknown key: did you mean listen?'
  assert.deepEqual(sallyport(['check', '-c', 'wrong.yaml']), {
    status: 78,
    stdout: `${wait}\n${lisen}\n`,
    stderr: 'sallyport: configuration wrong.yaml\n',
  })
  const asJson = sallyport(['check', '--json', '--config=wrong.yaml'])
  assert.equal(asJson.status, 78)
  const answer = { file: 'wrong.yaml', ok: false, problems: [wait, lisen], warnings: [] }
  assert.deepEqual(JSON.parse(asJson.stdout), answer)
})

test('cli: doctor looks at nothing while the configuration has errors', () => {
  const { status, stdout, stderr } = sallyport(['doctor', '-c', 'wrong.yaml'])
  assert.deepEqual([status, stdout], [78, ''])
  assert.match(stderr, /greet\.wait: found 6, which has no unit/)
})

test('cli: a file that cannot be read is an error of the configuration', () => {
  const missing = sallyport(['check', '-c', 'none.yaml'])
  assert.equal(missing.status, 78)
  assert.match(missing.stdout, /^none\.yaml:1:1 file: cannot be read \(ENOENT\)/)
  assert.match(sallyport(['check', '-c', 'large.yaml']).stdout, /^large\.yaml:1:1 yaml: found more than 1 MiB/)
  assert.match(sallyport(['check', '-c', '.']).stdout, /cannot be read \(EISDIR\)/)
})

test('cli: check and run tell all that is wrong with the files which the configuration names', () => {
  writeFileSync(join(folder, 'text.pem'), 'no certificate\n')
  const files = `backend: { address: "192.0.2.1:25", tls: required, tls_ca: text.pem }
access: { deny_files: [no-list] }
tls: { certificates: [{ cert: no-cert, key: no-key }, { cert: text.pem, key: text.pem }] }
`
  writeFileSync(join(folder, 'files.yaml'), files)
  const told = [
    'no-list: ENOENT',
    'tls: no-cert: cannot be read (ENOENT)',
    'tls: text.pem: no certificate in PEM (ERR_OSSL_PEM_NO_START_LINE)',
    'backend.tls_ca: text.pem: no certificate in PEM (ERR_OSSL_PEM_NO_START_LINE)',
  ]
  const checked = sallyport(['check', '-c', 'files.yaml'])
  assert.deepEqual([checked.status, checked.stdout], [78, `${told.join('\n')}\n`])
  const ran = sallyport(['run', '-c', 'files.yaml'])
  assert.equal(ran.status, 1)
  const messages = ran.stdout.trimEnd().split('\n')
  assert.deepEqual(
    messages.map(line => JSON.parse(line).msg),
    told,
  )
})

test('cli: check looks at the folder of the decoy, and makes none', () => {
  const checked = (path: string) => {
    writeFileSync(join(folder, 'decoy.yaml'), `checks: { spf: { action: decoy } }\ndecoy: { folder: ${path} }\n`)
    const { status, stdout } = sallyport(['check', '-c', 'decoy.yaml'])
    return [status, stdout]
  }
  const missing = 'warning: decoy.folder: no/such is not there; the gate makes it when it starts\n'
  for (let count = 0; count < 2; count++) {
    assert.deepEqual(checked('no/such'), [0, `${missing}the configuration is good\n`])
  }
  assert.deepEqual(checked('empty'), [0, 'the configuration is good\n'])
  assert.deepEqual(checked('wrong.yaml/x'), [78, 'decoy.folder: wrong.yaml/x: ENOTDIR\n'])
})

test('cli: check says which file it took, its warnings, and that all is well', () => {
  const found = sallyport(['check'])
  assert.equal(found.status, 0)
  assert.equal(found.stderr, 'sallyport: configuration ./sallyport.yaml\n')
  const [first, ...others] = found.stdout.split('\n')
  assert.match(first ?? '', /^warning: \.\/sallyport\.yaml:1:19 trusted_proxies\[0\]: found "10\.0\.0\.0\/8"/)
  assert.deepEqual(others, ['the configuration is good', ''])
})

test('cli: config prints the defaults where there is no file, and they are a configuration', () => {
  const { status, stdout, stderr } = sallyport(['config'], empty)
  assert.equal(status, 0)
  assert.equal(stderr, 'sallyport: no configuration file, the defaults hold\n')
  assert.match(stdout, /^hostname: .*\nlisten:\n {2}- 127\.0\.0\.1:2525\n/)
  writeFileSync(join(folder, 'printed.yaml'), stdout)
  assert.equal(sallyport(['check', '-c', 'printed.yaml']).status, 0)
  const wrong = sallyport(['config', '-c', 'wrong.yaml'])
  assert.deepEqual([wrong.status, wrong.stdout], [78, ''])
  assert.match(wrong.stderr, /which has no unit/)
})

test('cli: schema, help and version', () => {
  const schema = sallyport(['schema'])
  assert.equal(schema.status, 0)
  assert.equal(JSON.parse(schema.stdout)['$schema'], 'https://json-schema.org/draft/2020-12/schema')
  assert.match(sallyport(['--help']).stdout, /^usage: sallyport COMMAND/)
  assert.match(sallyport(['--version']).stdout, /^sallyport \d+\.\d+\.\d+\n$/)
  assert.equal(readFileSync(cli, 'utf8').split('\n')[0], '#!/usr/bin/env node')
})

test('cli: wrong usage exits with 2 and says what is wrong', () => {
  const wrong: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [[], /a command is missing/],
    [['chekc'], /unknown command chekc/],
    [['toString'], /unknown command toString/],
    [['check', 'x'], /unexpected x/],
    [['check', '--jsn'], /--jsn/],
    [['check', '-c'], /-c/],
    [['schema', '-c', 'x'], /schema does not take --config/],
    [['reference'], /--write DIR is missing/],
    [['check', '--recipient', 'a@example.com'], /check does not take --recipient/],
    [['doctor', '--recipient', 'a@example.com>\r\nDATA'], /--recipient is no address/],
  ]
  for (const [args, words] of wrong) {
    const { status, stdout, stderr } = sallyport(args)
    assert.deepEqual([status, stdout], [2, ''], args.join(' '))
    assert.match(stderr, words)
  }
})

test('cli: reference writes its files', () => {
  assert.equal(sallyport(['reference', '--write', 'out']).status, 0)
  for (const name of ['docs/configuration.md', 'deploy/sallyport.example.yaml', 'deploy/sallyport.schema.json']) {
    assert.ok(readFileSync(join(folder, 'out', name), 'utf8').length > 1000)
  }
})
