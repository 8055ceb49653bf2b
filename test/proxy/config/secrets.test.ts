import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '@sallyport/proxy/config/parse.js'
import { renderConfig } from '@sallyport/proxy/config/render.js'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-secrets-'))
after(() => rmSync(folder, { recursive: true }))

function fileWith(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return `\${file:${path}}`
}

const pw = `\${PW}`

/** The password as it arrives, or the problems. */
function passwordOf(written: string, env: Record<string, string | undefined> = {}): string {
  const parsed = parseConfig(`store: { kind: redis, password: '${written}' }`, 's.yaml', env)
  if ('problems' in parsed) return parsed.problems.join('\n')
  return parsed.config.store.kind === 'redis' ? (parsed.config.store.password ?? '') : ''
}

test('secrets: from the environment and from files, whole or in part', () => {
  const plain = fileWith('plain', 'geheim\n')
  symlinkSync(join(folder, 'plain'), join(folder, 'link'))
  assert.equal(passwordOf(pw, { PW: 'geheim' }), 'geheim')
  assert.equal(passwordOf(`a${pw}b${pw}c`, { PW: '$' }), 'a$b$c')
  assert.equal(passwordOf(plain), 'geheim')
  assert.equal(passwordOf(plain.replace('plain', 'link')), 'geheim')
  assert.equal(passwordOf(fileWith('crlf', 'a\r\n')), 'a')
  assert.equal(passwordOf(fileWith('two', ' a \n\n')), ' a \n')
})

test('secrets: what comes in is not looked through again, and $$ is an escape only in the configuration', () => {
  assert.equal(passwordOf(pw, { PW: `\${HOME}` }), `\${HOME}`)
  assert.equal(passwordOf(`${pw}${pw}`, { PW: 'a$' }), 'a$a$')
  assert.equal(passwordOf(`$${pw} $x $`), `${pw} $x $`)
})

test('secrets: one that is missing is an error with its place, and the key is not blamed twice', () => {
  const missing = `found "${pw}"; the environment has no PW: set it, or write the value here`
  assert.equal(passwordOf(pw), `s.yaml:1:33 store.password: ${missing}`)
  assert.match(passwordOf(`\${toString}`), /the environment has no toString/)
  assert.match(passwordOf(`\${file:/nonexistent/x}`), /; that file cannot be read \(ENOENT\)/)
  assert.match(passwordOf(`\${file:relative}`), /; a file is named by its whole path/)
  assert.match(passwordOf(`\${file:${folder}}`), /that is no regular file/)
  assert.match(passwordOf(`\${file:/dev/zero}`), /that is no regular file/)
  assert.match(passwordOf(fileWith('large', 'x'.repeat(70_000))), /larger than 64 KiB/)
  for (const wrong of ['', 'PW', '}', '1}', 'P-W}', 'PW:-x}']) {
    assert.match(passwordOf(`\${${wrong}`, { PW: 'x' }), /; write \$\{NAME\}/, wrong)
  }
})

const cli = fileURLToPath(new URL('../../../../packages/proxy/dist/cli.js', import.meta.url))

test('secrets: a pipe that nobody writes to does not hold the start', () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  writeFileSync(join(folder, 'pipe.yaml'), `hostname: \${file:${folder}/pipe}\n`)
  const { status, stdout } = spawnSync(process.execPath, [cli, 'check', '-c', join(folder, 'pipe.yaml')], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.equal(status, 78)
  assert.match(stdout, /that is no regular file/)
})

test('secrets: none is printed with the configuration', () => {
  const text = `
store: { kind: redis, url: "redis://user:${pw}@h:1/2", password: "${pw}" }
dnsbl: { zones: [{ zone: "${pw}.dq.example", name: dq.example }, open.example] }
`
  const parsed = parseConfig(text, 's.yaml', { PW: 'geheim' })
  assert.ok('config' in parsed)
  const printed = renderConfig(parsed.config)
  assert.ok(!printed.includes('geheim'))
  assert.ok(printed.includes('url: redis://***@h:1/2'))
  assert.ok(printed.includes('password: "***"'))
  assert.ok(printed.includes('zone: open.example'))
})
