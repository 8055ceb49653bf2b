import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { cli, startGate } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { believing, connectAs, sendMail, untilRcpt } from './client.ts'
import { blocksOf, repository, textOf } from './markdown.ts'

const page = await textOf('docs/own-checks.md')
const [source = ''] = blocksOf(page, 'js')
const [settings = ''] = blocksOf(page, 'yaml')

const folder = await tempDirectory({ after }, 'own')
await mkdir(join(folder, 'node_modules/@sallyport'), { recursive: true })
await symlink(resolve(repository, 'packages/rules'), join(folder, 'node_modules/@sallyport/rules'))
const moduleOf = async (name: string, text: string) => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}
const freeMail = await moduleOf('free-mail.mjs', source)
const sink = await startSink({ after }, { proxy: true })
const base = `backend: 127.0.0.1:${sink.port}\n${believing}\ngreet: { wait: 0s }\n`
const withPage = `${base}${settings.replace('/etc/sallyport/free-mail.mjs', freeMail)}`

/** A check of no use but its test. */
const odd = (name: string, body: string) =>
  source
    .replace('x-free-mail', name)
    .replace(/test\(facts, \{ most \}\) \{.*\n {2}\},\n\}\)/s, `test(facts) { ${body} },\n})`)

test('the check of the page: it acts as it is configured, and is named wherever checks are', async t => {
  const gate = await startGate(t, withPage)
  const client = await connectAs(t, gate, '192.0.2.1')
  assert.match(await untilRcpt(client, { helo: 'mailer.example' }), /^250 /)
  await client.command('RCPT TO:<b@example.test>', /^550 5\.7\.1 Too many recipients for a free mailer; ref=/)
  await client.command('QUIT', /^221/)
  const line = await gate.waitForSession(() => true)
  assert.deepEqual(
    [line.verdict, line.check, line.checks['x-free-mail']],
    ['refused', 'x-free-mail', 'fail: 2 recipients'],
  )
  assert.match(await sendMail(await connectAs(t, gate, '192.0.2.2'), 'Subject: x\r\n'), /^250 /)
  const counted = 'sallyport_checks_total{check="x-free-mail",outcome="fail",action="refuse"}'
  await gate.waitForMetric(counted, 1)
  const shown = await run(process.execPath, [cli, 'config', '-c', gate.file])
  assert.match(shown.stdout, /x-free-mail:\n(?: {4}.*\n)* {4}most: 2\n/)
})

test('one that throws, one that is slow and one that answers nonsense are silenced, named and counted; mail flows', async t => {
  const modules = [
    await moduleOf('throws.mjs', odd('x-throws', 'throw new Error("no such thing")')),
    await moduleOf(
      'slow.mjs',
      odd('x-slow', 'const end = performance.now() + 20; while (performance.now() < end); return pass'),
    ),
    await moduleOf('nonsense.mjs', odd('x-nonsense', 'return "fail"')),
    await moduleOf('writes.mjs', odd('x-writes', 'facts.hello = "x"; return pass')),
  ]
  const gate = await startGate(t, `${base}modules: [${modules.join(', ')}]\n`)
  for (const n of [1, 2])
    assert.match(await sendMail(await connectAs(t, gate, `192.0.2.${n}`), 'Subject: x\r\n'), /^250 /)
  for (const name of ['x-throws', 'x-slow', 'x-nonsense', 'x-writes']) {
    assert.equal(await gate.metric(`sallyport_own_checks_silenced_total{check="${name}"}`), 1, name)
  }
  const told = gate.lines().filter(({ event }) => event === 'check')
  assert.deepEqual(told.map(({ check }) => check).sort(), ['x-nonsense', 'x-slow', 'x-throws', 'x-writes'])
  const { checks, helo } = await gate.waitForSession(({ client }) => client === '192.0.2.2')
  assert.equal(checks['x-throws'], 'unknown: silenced: it threw no such thing')
  assert.equal(helo, 'client.example.net')
})

test('what is wrong with a module or its keys is told before anything starts', async () => {
  const check = async (text: string) => {
    const file = join(folder, 'sallyport.yaml')
    await writeFile(file, `backend: 127.0.0.1:1\n${text}`)
    return (await run(process.execPath, [cli, 'check', '-c', file])).stdout
  }
  const bad = await moduleOf('bad.mjs', source.replace('x-free-mail', 'free').replace('points: 2', 'points: -1'))
  const empty = await moduleOf('empty.mjs', 'export const a = 1')
  const broken = await moduleOf('broken.mjs', 'export const = 1')
  const modules = [bad, empty, broken, `${folder}/none.mjs`, freeMail, freeMail].map(path => `  - ${path}\n`).join('')
  const others = 'lisen: []\nchecks: { x-free: { action: drop }, pregret: {} }\n'
  const found = await check(`modules:\n${modules}${others}`)
  const told = [
    /:3:5 modules\[0\]: \S+bad\.mjs: free: name: x- and letters, digits and hyphens, 32 at most$/,
    /:3:5 modules\[0\]: \S+bad\.mjs: free: points: a whole number from 0 to 1000$/,
    /:4:5 modules\[1\]: \S+empty\.mjs: exports no check$/,
    /:5:5 modules\[2\]: \S+broken\.mjs: Unexpected token/,
    /:6:5 modules\[3\]: \S+none\.mjs: ENOENT/,
    /:8:5 modules\[5\]: \S+free-mail\.mjs: x-free-mail: there is another check of this name$/,
    // What else is wrong is told with it; a key of a check whose module is at fault may be right.
    /:9:1 lisen: unknown key: did you mean listen\?$/,
    /:10:37 checks\.pregret: unknown key: did you mean pregreet\?$/,
  ]
  const lines = found.trimEnd().split('\n')
  assert.equal(lines.length, told.length, found)
  for (const [i, words] of told.entries()) assert.match(lines[i] ?? '', words)
  const keys = await check(`modules: [${freeMail}]\nchecks: { x-free-mail: { most: 1000, least: 1 }, x-other: {} }\n`)
  assert.match(keys, /^.*:3:\d+ checks\.x-free-mail\.most: found 1000/m)
  assert.match(keys, /checks\.x-free-mail\.least: unknown key/)
  assert.match(keys, /checks\.x-other: unknown key/)
  assert.equal(
    await check(
      `modules: [${freeMail}]\nexceptions: [{ networks: [192.0.2.0/24], checks: { x-free-mail: { most: 9 } } }]\n`,
    ),
    'the configuration is good\n',
  )
})
