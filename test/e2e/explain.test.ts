// What `explain ADDRESS` asks of the world, that it asks no more than it is told, and that it leaves nothing behind.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { explain } from '@sallyport/proxy/explain/explain.js'
import { configured } from '@sallyport/proxy/own-checks/configured.js'
import { type DnsReply, DnsServer } from '../support/dns.ts'
import { cli, type RunningGate, startGate } from '../support/gate.ts'
import { run } from '../support/process.ts'
import { startRedis } from '../support/redis.ts'
import { startSink } from '../support/sink.ts'
import { timeTravel } from '../support/time-travel.ts'
import { believing, connectAs, untilRcpt } from './client.ts'

const answers: Readonly<Record<string, string>> = {
  'PTR 7.100.51.198.in-addr.arpa': 'mail.example.net',
  'A mail.example.net': '198.51.100.7',
  'TXT example.org': 'v=spf1 -all',
  'MX example.org': '10 mail.example.org',
  'A mail.example.org': '203.0.113.9',
}
const asked: string[] = []
const dns = await DnsServer.start(({ type, name }): DnsReply => {
  asked.push(`${type} ${name}`)
  const data = answers[`${type} ${name}`]
  return data === undefined ? { kind: 'nxdomain' } : { kind: 'records', ttl: 60, data: [data] }
})
after(() => dns.stop())
const redis = await startRedis()
after(() => redis.stop())
const sink = await startSink({ after }, { proxy: true })

const settings = `backend: 127.0.0.1:${sink.port}
${believing}
greet: { wait: 0s }
delays: { point: 0s, line: 0s }
preset: standard
dnsbl: { resolvers: ['${dns.address}'], wait: 2s }
store: { kind: redis, url: 'redis://127.0.0.1:${redis.port}', command_wait: 2s }
timeouts: { recall: 2s }
checks: { rate: { action: defer, address: 2, period: 3600 }, greylist: { delay: 300 }, no-reverse-name: { action: observe } }
`

/** What a client says of itself; what it leaves out is null. */
type Said = Partial<Parameters<typeof explain>[2]>

/** The text of `sallyport explain`, made in this process: the command is run below, and in decisions.test.ts. */
async function explained(gate: RunningGate, address: string, said: Said = {}): Promise<string> {
  const parsed = await configured(gate.file)
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'))
  const visit = { helo: null, from: null, to: null, ...said }
  const { status, text, troubles } = await explain(parsed.config, address, visit, false)
  assert.ok(status === 0 || status === 1, troubles.join('\n'))
  return text
}

/** All that is in Redis. */
async function kept(): Promise<string> {
  const keys = (await redis.command('KEYS', '*')).split('\n').sort()
  return (await Promise.all(keys.map(async key => `${key} ${await redis.command('DUMP', key)}`))).join('\n')
}

test('explain asks SPF, the sender’s domain and HELO of whom it is told, and says what it did not ask', async t => {
  const gate = await startGate(t, settings)
  asked.length = 0
  const alone = await explained(gate, '198.51.100.7')
  assert.match(alone, /^ {2}not asked: spf, sender-domain: say by --from who writes$/m)
  assert.doesNotMatch(alone, /--helo/, 'its name is confirmed, and so it greets')
  assert.ok(!asked.some(question => question.startsWith('TXT')), asked.join())
  assert.match(
    await explained(gate, '203.0.113.200'),
    /^ {2}not asked: helo-unresolvable: say by --helo how it greets$/m,
  )

  const letter = { helo: 'nowhere.example', from: 'a@example.org', to: 'b@example.test' }
  const told = await explained(gate, '198.51.100.7', letter)
  assert.match(told, /^ {2}HELO +none in the DNS$/m)
  assert.match(told, /^ {2}sender +found$/m)
  assert.match(told, /^ {2}SPF +fail of example\.org by -all$/m)
  assert.match(told, /EHLO nowhere\.example\n[\s\S]*MAIL FROM:<a@example\.org>\n[\s\S]*RCPT TO:<b@example\.test>\n/)
  assert.match(told, /^ {2}spf +fail → score 2 +fail of example\.org by -all$/m)
  assert.match(told, /^DEFERRED by greylist: 300 s to wait; suspect: [a-z, -]+$/m)
  assert.doesNotMatch(told, /not asked/)
  assert.doesNotMatch(told, /DATA/, 'whose recipient is refused has no message to send')
  const bounce = await explained(gate, '198.51.100.7', { from: '', helo: 'example.org' })
  assert.match(bounce, /^ {2}SPF +fail of example\.org by -all$/m)
})

test('explain asks what rates and greylisting have left, and neither counts nor notes who asks', async t => {
  const gate = await startGate(t, settings)
  const letter = { helo: 'mail.example.net', from: 'a@example.org', to: 'b@example.test' }
  const asks = (to = letter.to) => explained(gate, '198.51.100.8', { ...letter, to })
  const before = await kept()
  for (let count = 0; count < 4; count++) assert.match(await asks(), /^ {2}rate +within it$/m)
  assert.equal(await kept(), before)

  const client = await connectAs(t, gate, '198.51.100.8')
  assert.match(await untilRcpt(client, letter), /^450 4\.7\.1 Greylisted/)
  await client.command('QUIT', /^221/)
  await gate.waitForSession(() => true)
  await redis.command('EVAL', timeTravel, 0, 100)
  const left = Number(/^DEFERRED by greylist: (\d+) s to wait; /m.exec(await asks())?.[1])
  assert.ok(left > 160 && left <= 200, `${left} s`)
  await redis.command('EVAL', timeTravel, 0, 250)
  assert.match(await asks(), /^PASSED/m)
  assert.match(await asks('c@example.test'), /^DEFERRED by greylist: 300 s to wait; suspect: [a-z, -]+$/m)

  for (let count = 0; count < 3; count++) await (await connectAs(t, gate, '198.51.100.8')).expect(/^220 /m)
  assert.match(await asks(), /^ {2}rate +beyond 2 of address in 3600 s$/m)
  assert.match(await asks(), /^DEFERRED by rate: more than 2 of address in 3600 s$/m)
})

test('options that are no words of a client, or beside a reference, are wrong usage', async t => {
  const gate = await startGate(t, settings)
  const rows: readonly (readonly [options: string, words: RegExp])[] = [
    ["198.51.100.7 --from 'a@b> SIZE=1'", /--from is no word that a client could say/],
    ["198.51.100.7 --helo 'a b'", /--helo is no word/],
    ['000000000000 --to a@b', /are for an address/],
  ]
  for (const [options, words] of rows) {
    const { code, output } = await run('sh', ['-c', `node ${cli} explain -c ${gate.file} ${options}`])
    assert.equal(code, 2)
    assert.match(output, words)
  }
})
