import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CheckRow } from '@sallyport/proxy/check-table.js'
import { connect } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { makeTrusted } from '../support/known-clients.ts'
import type { Owner } from '../support/owner.ts'
import { startPostfix } from '../support/postfix.ts'
import { run } from '../support/process.ts'
import { startRbldnsd } from '../support/rbldnsd.ts'
import { startRedis } from '../support/redis.ts'
import { believing, connectAs, sendMail } from './client.ts'
import { blocksOf, textOf } from './markdown.ts'

const postfix = await startPostfix({ after }, { main: { header_checks: 'regexp:{ { /^Subject: unwanted/ REJECT } }' } })
const backend = `backend: 127.0.0.1:${postfix.ports.proxy}\n${believing}\ngreet: { wait: 200ms }`

const good = 'Subject: wanted\r\n\r\ntext\r\n'
const unwanted = 'Subject: unwanted\r\n\r\ntext\r\n'

/** Nine clients of nine networks. */
const clients = Array.from({ length: 9 }, (_, i) => `198.51.${100 + i}.7`)

/** One message of an early talker; the reply to its end. */
async function mailEarly(t: Owner, gate: RunningGate, address: string, body = good) {
  const client = await connectAs(t, gate, address, { early: 'NOOP\r\n' })
  await client.expect(/^220 /m)
  await client.expect(/^250/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<a@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('DATA', /^354/)
  client.sendRaw(`${body}.\r\n`)
  const { text } = await client.reply()
  await client.command('QUIT', /^221/)
  return text
}

/** What an early talker is answered to RCPT. */
async function rcptEarly(t: Owner, gate: RunningGate, address: string): Promise<string> {
  const client = await connectAs(t, gate, address, { early: 'NOOP\r\n' })
  await client.expect(/^220 /m)
  await client.expect(/^250/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<a@example.net>', /^250/)
  client.send('RCPT TO:<user@example.test>')
  const { text } = await client.reply()
  await client.command('QUIT', /^221/)
  return text
}

async function rowOf(gate: RunningGate, check: string): Promise<CheckRow> {
  const { status, text } = await gate.admin('/checks.json')
  assert.equal(status, 200)
  const { checks } = JSON.parse(text) as { checks: CheckRow[] }
  const row = checks.find(candidate => candidate.check === check)
  assert.ok(row !== undefined, text)
  return row
}

const ended = (gate: RunningGate, count: number) => gate.waitForSession(() => gate.log().length >= count)

test('an observing check is scored by what the backend said of the same sessions', async t => {
  const gate = await startGate(t, `${backend}\nchecks: { pregreet: { action: observe } }`)
  for (const client of clients.slice(0, 2)) assert.match(await mailEarly(t, gate, client), /^250/)
  assert.match(await mailEarly(t, gate, clients[2] ?? '', unwanted), /^550 5\.7\.1/)
  assert.match(await sendMail(await connectAs(t, gate, clients[3] ?? ''), good), /^250/)
  await ended(gate, 4)

  const row = await rowOf(gate, 'pregreet')
  assert.deepEqual(
    [row.state, row.action, row.runs, row.fails, row.observed, row.acted, row.true, row.false, row.precision],
    ['armed', 'observe', 4, 3, 3, 0, 1, 2, 1 / 3],
  )
  assert.equal(await gate.metric('sallyport_check_precision_total{check="pregreet",word="false"}'), 2)
  assert.equal(await gate.metric('sallyport_check_precision_total{check="pregreet",word="true"}'), 1)
  assert.deepEqual(
    gate.log().map(line => (line['precision'] as Readonly<Record<string, string>> | undefined)?.['pregreet']),
    ['false', 'false', 'true', undefined],
  )
})

test('the table is JSON for whom asks for that', async t => {
  const gate = await startGate(t, backend)
  const told = async (path: string, accept: string) => {
    const response = await fetch(`http://127.0.0.1:${gate.adminPort}${path}`, { headers: { accept } })
    return [response.headers.get('content-type'), (await response.text()).slice(0, 6)]
  }
  assert.deepEqual(await told('/checks', 'text/html, */*'), ['text/plain; charset=utf-8', 'check '])
  assert.deepEqual(await told('/checks', 'application/json'), ['application/json', '{\n  "c'])
  assert.deepEqual(await told('/checks.json', '*/*'), ['application/json', '{\n  "c'])
})

/** The settings of a gate that has known these clients for days, by its Redis. */
async function knowing(owner: Owner, known: readonly string[]): Promise<string> {
  const redis = await startRedis()
  owner.after(() => redis.stop())
  await makeTrusted(redis.port, known, 6)
  const store = `store: { kind: redis, url: 'redis://127.0.0.1:${redis.port}', command_wait: 2s }`
  return `${backend}\n${store}\ntimeouts: { recall: 2s }`
}

/** Until then it knows only whom it has met itself. */
const storeUp = (gate: RunningGate) => gate.waitForMetric('sallyport_store_up', 1)

test('a check that begins to refuse clients that have been good for days disarms itself, and mail flows', async t => {
  const [first = '', second = '', third = '', stranger = ''] = clients
  const known = [first, second, third]
  const gate = await startGate(t, await knowing(t, known))
  await storeUp(gate)
  for (const client of known) assert.match(await sendMail(await connectAs(t, gate, client), good), /^250/)
  await ended(gate, 3)
  for (const client of known) assert.match(await rcptEarly(t, gate, client), /^450 4\.5\.1 /)
  const line = await gate.waitForLine(({ event }) => event === 'breaker')
  assert.deepEqual([line.level, line['check'], line['reason']], ['error', 'pregreet', 'good_clients'])
  assert.equal(await gate.metric('sallyport_check_disarmed{check="pregreet",reason="good_clients"}'), 1)
  for (const client of [first, stranger]) assert.match(await mailEarly(t, gate, client), /^250/)
  await ended(gate, 8)

  const row = await rowOf(gate, 'pregreet')
  assert.deepEqual([row.state, row.reason, row.acted, row.observed], ['disarmed', 'good_clients', 3, 2])
  assert.equal(row.saved.connections, 3)
  assert.ok(row.saved.octets > 3 * 10 && row.saved.seconds > 0, JSON.stringify(row.saved))
  assert.deepEqual(gate.log().at(-1)?.['disarmed'], ['pregreet'])
  assert.match((await gate.admin('/checks')).text, /^pregreet +defer +disarmed \(good_clients\) /m)
  assert.equal(gate.lines().filter(({ event }) => event === 'breaker').length, 1, 'told once')
  // The first came again a moment after its deferral.
  assert.ok((await gate.metric('sallyport_check_delay_seconds_count{check="pregreet"}')) >= 4)
})

test('where the breaker is off the check goes on', async t => {
  const known = clients.slice(0, 4)
  const gate = await startGate(t, `${await knowing(t, known)}\nchecks: { pregreet: { breaker: false } }`)
  await storeUp(gate)
  for (const client of known) assert.match(await sendMail(await connectAs(t, gate, client), good), /^250/)
  await ended(gate, 4)
  for (const client of known) assert.match(await rcptEarly(t, gate, client), /^450 4\.5\.1 /)
  await ended(gate, 8)
  assert.equal((await rowOf(gate, 'pregreet')).state, 'armed')
})

test('a proxy through which everybody talks early is not believed; who comes by himself is still tested', async t => {
  const gate = await startGate(t, `${backend}\nbreaker: { sessions: 10 }`)
  // What is a second old counts a little less, so it may take one or two more than the ten.
  const answers: string[] = []
  for (let i = 0; i < 13; i++) answers.push((await rcptEarly(t, gate, `198.51.${100 + i}.7`)).slice(0, 3))
  assert.match(answers.join(' '), /^(?:450 ){10,12}(?:250 ?)+$/)
  const line = await gate.waitForLine(({ event }) => event === 'breaker')
  assert.deepEqual([line['check'], line['reason'], line['proxy']], ['pregreet', 'proxy', '127.0.0.1'])
  assert.match(await mailEarly(t, gate, '203.0.113.7'), /^250/)
  const direct = await connect(t, { port: gate.port, localAddress: '127.0.0.77' })
  direct.sendRaw('NOOP\r\n')
  await direct.expect(/^220 /m)
  await direct.expect(/^250/)
  await direct.command('EHLO bot.example.net', /^250/)
  await direct.command('MAIL FROM:<bot@example.net>', /^250/)
  await direct.command('RCPT TO:<user@example.test>', /^450/)
})

test('DNS lists that all fail their test disarm the check', async t => {
  const dns = await startRbldnsd(t, { 'bl.example.test': ['0.0.0.0/0 :127.0.0.2:Everybody'] })
  const gate = await startGate(
    t,
    `${backend}\ndnsbl: { resolvers: ['${dns.server}'], zones: [bl.example.test] }\nchecks: { dnsbl: { action: refuse } }`,
  )
  const line = await gate.waitForLine(({ event }) => event === 'breaker')
  assert.deepEqual([line['check'], line['reason']], ['dnsbl', 'source'])
  assert.equal(await gate.metric('sallyport_check_disarmed{check="dnsbl",reason="source"}'), 1)
  assert.match(await sendMail(await connectAs(t, gate, clients[0] ?? ''), good), /^250/)
})

test('docs/precision.md: its commands, in the order of the page', async t => {
  const gate = await startGate(t, `${backend}\nchecks: { pregreet: { action: observe } }`)
  await mailEarly(t, gate, clients[0] ?? '')
  await ended(gate, 1)
  const commands = blocksOf(await textOf('docs/precision.md'), 'sh')
  const expected = [/^pregreet +observe +armed +1 +1 +1 +0 +0 +1 +0 +0\.0% /m, /^pregreet 1$/m]
  assert.equal(commands.length, expected.length)
  for (const [i, command] of commands.entries()) {
    const here = command.replaceAll('127.0.0.1:9525', `127.0.0.1:${gate.adminPort}`)
    const { code, stdout, stderr } = await run('sh', ['-ec', here])
    assert.equal(code, 0, stderr)
    assert.match(stdout, expected[i] ?? /^$/)
  }
})
