import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { makePostfix, type PostfixInstance } from '../deploy/postfix-instance.ts'
import { makeCertificate } from '../support/certificate.ts'
import { cli, type SessionLine } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { type Program, run, startProgram } from '../support/process.ts'
import { swaks } from '../support/swaks.ts'
import { blocksOf, cloneTo, linksOf, repository, textOf } from './markdown.ts'

/** The commands of each page; what a test has taken is gone, and nothing may be left at the end. */
const commands = new Map<string, string[]>()
for (const page of ['README.md', 'deploy/backends/postfix/README.md'])
  commands.set(page, blocksOf(await textOf(page), 'sh'))

/** The next block of a page. It must hold `words`, or the page tells another story than its test. */
function take(page: string, words: string): string {
  const block = commands.get(page)?.shift() ?? ''
  assert.ok(block.includes(words), `${page}: next is ${JSON.stringify(block)}, and not ${words}`)
  return block
}

const clone = await tempDirectory({ after }, 'clone')
await cloneTo(clone)

/** Runs a block as somebody would who has cloned the repository and stands in it. */
const shell = (block: string) => run('sh', ['-ec', `cd '${clone}'\n${block}`])

function startShell(block: string): Promise<Program> {
  return startProgram(
    { after },
    {
      command: 'sh',
      // The shell makes way, as a terminal's Ctrl-C reaches all that it has started.
      args: ['-ec', `exec ${block}`],
      directory: clone,
      env: { npm_config_prefer_offline: 'true' },
      ready: { line: /"event":"start"/ },
      waitMs: 120_000,
    },
  )
}

async function sessionOf(program: Program, pattern: RegExp): Promise<SessionLine> {
  return JSON.parse(await program.waitForLine(pattern)) as SessionLine
}

test('Try it: a fresh clone starts, the log says why the bot was stopped, and mail arrives in the Maildir', async t => {
  const port = await freePort()
  // Somebody else may have the ports of the defaults here; everything else is as it comes.
  await writeFile(
    join(clone, 'sallyport.yaml'),
    `listen: ['127.0.0.1:${port}']\nadmin: { listen: '127.0.0.1:${await freePort()}' }\ngreet: { wait: 500ms }\n`,
  )
  const here = (block: string) => block.replaceAll('2525', `${port}`)
  const gate = await startShell(take('README.md', 'npm start'))
  t.after(() => gate.stop())

  const bot = await shell(here(take('README.md', 'node -e')))
  assert.equal(bot.code, 0, bot.output)
  const id = /^450 4\.5\.1 Protocol error, try again later; ref=(\w+)\r?$/m.exec(bot.output)?.[1]
  const line = await sessionOf(gate, new RegExp(`"event":"session","id":"${id}"`))
  assert.deepEqual([line.verdict, line.check], ['deferred', 'pregreet'])
  assert.match(line.why ?? '', /^\d+ octets after \d+ ms$/)
  assert.equal(line.msg, `deferred: pregreet, ${line.why}`)

  const [sample = ''] = blocksOf(await textOf('README.md'), 'json')
  assert.deepEqual(sameEverywhere(line), sameEverywhere(JSON.parse(sample)))
  const sent = await shell(here(take('README.md', 'swaks')))
  assert.equal(sent.code, 0, sent.output)
  const [mail = '', ...others] = await readdir(join(clone, 'var/mail/new'))
  assert.deepEqual(others, [])
  assert.match(await readFile(join(clone, 'var/mail/new', mail), 'utf8'), /^To: anybody@example\.com\r?$/m)
  const passed = await sessionOf(gate, /"verdict":"passed"/)
  assert.deepEqual([passed.client, passed.from, passed.to], ['127.0.0.1', 'you@example.org', ['anybody@example.com']])

  assert.deepEqual((await gate.stop()).code, 0)
  assert.match(gate.output(), /"msg":"stopped"/, 'Ctrl-C and SIGTERM reach the gate through npm')
})

/** A line as it is written, without what differs from one run to the next: the moment, the reference, the port, durations. */
function sameEverywhere(line: SessionLine): string {
  return JSON.stringify({ ...line, time: '', id: '', port: 0 })
    .replaceAll(/(ref=)\w+|(after )\d+( ms)/g, '$1$2$3')
    .replaceAll(/("(?:greeted|end)":)\d+/g, '$1')
}

test('In front of your Postfix: the three steps, and Postfix sees the sender', async t => {
  const postfix = await makePostfix()
  t.after(() => postfix.remove())
  const [port, behind] = [await freePort(), await freePort()]
  const here = (block: string) =>
    block
      .replaceAll('/etc/postfix', postfix.configuration)
      .replaceAll('/etc/sallyport', `${clone}/etc`)
      .replaceAll(/\bpostfix (check|reload)/g, (_, action) => `postfix -c ${postfix.configuration} ${action}`)
      // It does not run yet: until the fragment is in place it would take port 25 of this machine.
      .replace(/ reload$/m, ' start')
      .replaceAll(':10025', `:${behind}`)
      .replaceAll(/:25\b/g, `:${port}`)
  await fragmentsFor(behind)

  const readme = await textOf('README.md')
  const [backend = ''] = blocksOf(readme, 'yaml')
  const [, listen = ''] = /`(listen: [^`]+)`/.exec(readme) ?? []
  await mkdir(join(clone, 'etc'), { recursive: true })
  // The ports of the metrics and of the pause are no part of what is told here.
  const admin = `admin: { listen: '127.0.0.1:${await freePort()}' }\ngreet: { wait: 300ms }\n`
  await writeFile(join(clone, 'etc/sallyport.yaml'), here(`${backend}${listen}\n${admin}`))
  const checked = await shell(here(take('README.md', 'cli.js check')))
  assert.equal(checked.code, 0, checked.output)
  assert.match(checked.output, /^the configuration is good$/m)

  const moved = await shell(here(take('README.md', 'main.cf.fragment')))
  assert.equal(moved.code, 0, moved.output)
  assert.doesNotMatch(moved.output, /warning|error|fatal/)

  const gate = await startShell(here(take('README.md', 'cli.js run')))
  t.after(() => gate.stop())
  await senderIsSeen(postfix, port, '127.0.0.77')
  await proveNoRelay(postfix, port)
  const diagnosis = await shell(here(take('README.md', 'cli.js doctor')))
  assert.equal(diagnosis.code, 0, diagnosis.output)
  assert.equal((await gate.stop()).code, 0)
})

/** The fragments in the clone, with a free port in place of 10025, as they are appended from there. */
async function fragmentsFor(port: number): Promise<void> {
  for (const name of ['main.cf.fragment', 'master.cf.fragment']) {
    const text = await textOf(`deploy/backends/postfix/${name}`)
    await writeFile(join(clone, 'deploy/backends/postfix', name), `\n${text.replaceAll(':10025', `:${port}`)}`)
  }
}

async function senderIsSeen(postfix: PostfixInstance, port: number, address: string): Promise<void> {
  const mail = ['--from', 'you@example.org', '--to', 'you@example.net', '--local-interface', address]
  const { code, transcript } = await swaks(['--server', '127.0.0.1', '--port', `${port}`, ...mail])
  assert.equal(code, 0, transcript)
  await postfix.logged(new RegExp(`postfix/gate/smtpd\\[\\d+\\]: \\w+: client=\\w+\\[${address}\\]`))
  await postfix.logged(/to=<you@example\.net>, .*status=sent/)
}

/** What the recipe says to prove, and its own way to append the fragments. */
async function proveNoRelay(postfix: PostfixInstance, port: number): Promise<void> {
  const page = 'deploy/backends/postfix/README.md'
  const append = take(page, 'postfix check')
  const readme = blocksOf(await textOf('README.md'), 'sh').find(block => block.includes('main.cf.fragment')) ?? ''
  const files = (block: string) => block.match(/cat \S+ >> \S+/g)?.map(line => line.replace(`${dirname(page)}/`, ''))
  assert.deepEqual(files(append), files(readme))
  const swaksBlock = take(page, '--quit-after RCPT').replace(
    'YOUR-GATE',
    `127.0.0.1:${port} --local-interface 127.0.0.78`,
  )
  const { code, output } = await shell(swaksBlock)
  assert.equal(code, 24, output)
  assert.match(output, /554 5\.7\.1 .*Relay access denied/)
  await postfix.logged(/postfix\/gate\/smtpd\[\d+\]: NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.78\]: 554 5\.7\.1/)
}

test('every configuration that the README shows is one', async t => {
  const { certFile, keyFile } = await makeCertificate(t, ['mx.example.net'])
  const here = (block: string) =>
    block.replace('/etc/sallyport/mx.pem', certFile).replace('/etc/sallyport/mx.key', keyFile)
  const blocks = blocksOf(await textOf('README.md'), 'yaml')
  assert.ok(blocks.length >= 3)
  for (const block of blocks) {
    const file = join(clone, 'shown.yaml')
    await writeFile(file, here(block))
    const { code, stdout } = await run(process.execPath, [cli, 'check', '-c', file])
    assert.deepEqual([code, stdout], [0, 'the configuration is good\n'], block)
  }
})

test('no command of these pages was left out', () => {
  assert.deepEqual(
    [...commands],
    [
      ['README.md', []],
      ['deploy/backends/postfix/README.md', []],
    ],
  )
})

test('every link of every page leads somewhere', async () => {
  const pages = (await readdir(clone, { recursive: true })).filter(
    name => name.endsWith('.md') && !name.includes('node_modules') && existsSync(join(repository, name)),
  )
  assert.ok(pages.length >= 6, pages.join(' '))
  for (const page of pages) {
    for (const target of linksOf(await textOf(page))) {
      assert.ok(existsSync(resolve(repository, dirname(page), target)), `${page} links to ${target}`)
    }
  }
})
