import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { reload as reloadUnderLoad } from '../drain/one-gate.ts'
import { tallyText, wrongWithReload } from '../drain/verdict.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { type LogLine, type RunningGate, startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'

const successful = 'sallyport_config_reload_successful'

/** Writes the file anew and gives the log's lines about it, the last of which says how it went. */
async function reload(gate: RunningGate, settings: string): Promise<LogLine[]> {
  const before = gate.lines().length
  await writeFile(gate.file, settings)
  gate.signal('SIGHUP')
  const isLast = ({ msg }: LogLine) => /in force$|stays in force$/.test(String(msg))
  const news = () =>
    gate
      .lines()
      .slice(before)
      .filter(({ event }) => event === 'reload')
  await gate.waitForLine(line => isLast(line) && news().some(isLast))
  return news()
}

async function toMail(t: TestContext, gate: RunningGate): Promise<Dialogue> {
  const client = await connect(t, { port: gate.port })
  await client.expect(/^220/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  return client
}

const rcpt = 'RCPT TO:<user@example.test>'

test('SIGHUP: the new configuration holds for new sessions, open ones keep theirs, whole', async t => {
  const [old, next] = [await startSink(t, { proxy: true }), await startSink(t)]
  const gate = await startGate(t, `greet: { wait: 0s }\nbackend: 127.0.0.1:${old.port}`)
  const open = await toMail(t, gate)
  const relayed = await toMail(t, gate)
  await relayed.command(rcpt, /^250/)
  const lines = await reload(
    gate,
    `${gate.settings.replace(/^backend: .*$/m, `backend: { address: '127.0.0.1:${next.port}', identity: xclient }`)}
recipient_domains: [example.org]`,
  )
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [['info', 'the new configuration is in force']],
  )
  assert.equal(await gate.metric(successful), 1)
  const fresh = await toMail(t, gate)
  await fresh.command(rcpt, /^554 5\.7\.1/)
  await fresh.command('RCPT TO:<user@example.org>', /^250/)
  // A session is not sent to a backend that it has no identity for.
  await open.command(rcpt, /^250/)
  for (const client of [open, relayed]) {
    await client.command('DATA', /^354/)
    await client.command('Subject: x\r\n.', /queued as/)
  }
  assert.equal(old.messages.length, 2)
  assert.deepEqual(
    old.connections.map(({ complaint }) => complaint),
    old.connections.map(() => undefined),
  )
  const asked = next.connections.map(({ commands }) => commands.filter(line => line.startsWith('XCLIENT')).length)
  assert.deepEqual([asked.length, asked.at(-1) !== 0], [2, true])
})

test('SIGHUP with a broken file: the old configuration stays, and the log says where it is broken', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `greet: { wait: 0s }\nbackend: 127.0.0.1:${sink.port}`)
  for (const broken of [
    'greet: { wait: soon }',
    'nonsense: 1',
    'greet: {',
    'access: { deny_files: [/nowhere/at/all] }',
  ]) {
    const lines = await reload(gate, `${gate.settings.replace(/^greet:.*$/m, '')}\n${broken}`)
    const place = broken.includes('nowhere') ? /\/nowhere\/at\/all/ : /sallyport\.yaml:\d+:\d+ /
    assert.match(String(lines[0]?.['msg']), place, broken)
    assert.equal(lines[0]?.level, 'error')
    assert.equal(await gate.metric(successful), 0)
    await (await toMail(t, gate)).command(rcpt, /^250/)
  }
  await writeFile(gate.file, gate.settings)
  assert.equal((await reload(gate, gate.settings)).length, 1)
  assert.equal(await gate.metric(successful), 1)
})

test('SIGHUP with a key that needs a restart says so and takes nothing of the file', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `greet: { wait: 0s }\nbackend: 127.0.0.1:${sink.port}`)
  const changed = gate.settings.replace(/^listen:.*$/m, "listen: ['127.0.0.1:1']")
  const lines = await reload(gate, `${changed}\nrecipient_domains: [example.org]`)
  assert.match(String(lines[0]?.['msg']), /^listen: .*needs a restart/)
  assert.equal(await gate.metric(successful), 0)
  await (await toMail(t, gate)).command(rcpt, /^250/)
})

test('of two SIGHUPs that overlap the later one holds', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `greet: { wait: 0s }\nbackend: 127.0.0.1:${sink.port}`)
  const list = `${gate.folder}/deny`
  const networks = Array.from({ length: 200_000 }, (_, n) => `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`)
  await writeFile(list, networks.join('\n'))
  await writeFile(gate.file, `${gate.settings}\nrecipient_domains: [example.org]\naccess: { deny_files: ['${list}'] }`)
  gate.signal('SIGHUP')
  // Long enough for the first file to have been read, and not its list.
  await sleep(60)
  await writeFile(gate.file, `${gate.settings}\nrecipient_domains: [example.test]`)
  gate.signal('SIGHUP')
  await gate.waitForLine(() => gate.lines().filter(({ msg }) => /in force$/.test(String(msg))).length === 2, 10_000)
  await (await toMail(t, gate)).command(rcpt, /^250/)
})

test('SIGHUP again and again under load drops nobody', async t => {
  const tally = await reloadUnderLoad(t, 6)
  t.diagnostic(tallyText(tally))
  assert.deepEqual(wrongWithReload(tally), [])
})
