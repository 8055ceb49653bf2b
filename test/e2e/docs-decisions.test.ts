import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DnsServer } from '../support/dns.ts'
import { cli, startGate } from '../support/gate.ts'
import { run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { believing, connectAs, sendMail } from './client.ts'
import { blocksOf, textOf } from './markdown.ts'

const page = await textOf('docs/decisions.md')
const commands = blocksOf(page, 'sh')
const [happened, wouldHappen, script = '', tried, replayed] = blocksOf(page, 'text')
const [settings = ''] = blocksOf(page, 'yaml')

const answers: Readonly<Record<string, string>> = {
  'A 7.2.0.192.bl.example.org': '127.0.0.2',
  'A 2.0.0.127.bl.example.org': '127.0.0.2',
  'PTR 7.2.0.192.in-addr.arpa': 'news.example.net',
  'A news.example.net': '192.0.2.7',
  'PTR 9.100.51.198.in-addr.arpa': 'client.example.net',
  'A client.example.net': '198.51.100.9',
  'MX example.net': '10 client.example.net',
}
const dns = await DnsServer.start(({ type, name }) => {
  const found = answers[`${type} ${name}`]
  return found === undefined ? { kind: 'nxdomain' } : { kind: 'records', ttl: 300, data: [found] }
})
after(() => dns.stop())
const sink = await startSink({ after }, { proxy: true })
const gate = await startGate(
  { after },
  settings
    .replace('127.0.0.1:10025', `127.0.0.1:${sink.port}`)
    .replace('zones:', `wait: 2s, resolvers: ['${dns.address}'], zones:`)
    .replace('/var/log/sallyport/', 'var/')
    .concat(`hostname: mx.example.net\n${believing}\n`),
)
const records = join(gate.folder, 'var/decisions.jsonl')

/** Runs a command of the page in the folder of the gate. */
async function perform(command = '', words: string): Promise<string> {
  assert.ok(command.includes(words), `${command}: not ${words}`)
  const here = command
    .replace('packages/proxy/dist/cli.js', cli)
    .replace('/etc/sallyport/sallyport.yaml', gate.file)
    .replace('/var/log/sallyport/', 'var/')
  const { code, stdout, output } = await run('sh', ['-ec', `cd '${gate.folder}'\n${here}`])
  assert.equal(code, 0, output)
  return stdout
}

/** Without what differs from one run to the next: ids, moments, durations, octets that came in the first read, columns. */
function sameEverywhere(text = ''): string {
  return text
    .replaceAll(/\b[0-9a-z]{12}\b(?= {2}| +\d|\n)/g, 'REFERENCE')
    .replaceAll(/(?<=ref=)[0-9a-z]{12}/g, 'REFERENCE')
    .replaceAll(/\b\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d UTC)?/g, 'DAY')
    .replaceAll(/port \d+/g, 'port N')
    .replaceAll(/\b[0-9a-f]{8}\b/g, 'VERSION')
    .replaceAll(/\d+ ms|\d+\.\d+ s|\b\d+ s\b|written \d+ \w+/g, 'N s')
    .replaceAll(/^ +pregreet after +\d+\n/gm, '')
    .replaceAll(/greet wait +\d+/g, 'greet wait N')
    .replaceAll(/(passed:|passed before:|memory +passed) [a-z, -]+/g, '$1 CHECKS')
    .replaceAll(/(?<=\S) {2,}/g, '  ')
}

/** All lines of the page are there, in its order; a page is not written anew with each fact and each check that is new. */
function assertTold(told: string, captured = ''): void {
  const lines = sameEverywhere(told).split('\n')
  let from = 0
  for (const line of sameEverywhere(captured).split('\n')) {
    const at = lines.indexOf(line, from)
    assert.ok(at >= 0, `not told, or not behind the line before it: ${line}\n${told}`)
    from = at + 1
  }
}

test('the page, as it happens', async t => {
  await sendMail(await connectAs(t, gate, '192.0.2.7'), 'Subject: one\r\n', {
    helo: 'news.example.net',
    from: 'news@example.net',
  })
  const bot = await connectAs(t, gate, '203.0.113.5', { early: 'EHLO bot\r\n' })
  await bot.expect(/^220 /m)
  await bot.expect(/^250 /m)
  await bot.command('MAIL FROM:<>', /^250/)
  bot.send('RCPT TO:<user@example.test>')
  const reference = /ref=(\w+)/.exec((await bot.reply()).text)?.[1] ?? ''
  await bot.command('QUIT', /^221/)
  await sendMail(await connectAs(t, gate, '198.51.100.9'), 'Subject: two\r\n')
  await until('three records are written', async () => (await readFile(records, 'latin1')).split('\n').length === 4)

  // What is remembered is in its file.
  assert.equal((await gate.stop()).code, 0)

  const explained = await perform(commands[0]?.replace('0svp40c3a1b2', reference), 'explain')
  // From here on no time passes, and the pause may be the usual one.
  await writeFile(gate.file, gate.settings.replace('wait: 300ms', 'wait: 6s'))
  await writeFile(join(gate.folder, 'early.smtp'), script)
  const now = await perform(commands[1], 'explain')
  const played = await perform(commands[2], 'try')
  const changed = gate.settings.replace(/dnsbl: \{/, 'checks: { dnsbl: { action: refuse } }\ndnsbl: {')
  await writeFile(join(gate.folder, 'new.yaml'), changed)
  const judged = await perform(commands[3], 'replay')
  assertTold(explained, happened)
  assertTold(now, wouldHappen)
  assertTold(played, tried)
  assertTold(judged, replayed)
  assert.equal(commands.length, 4)
})
