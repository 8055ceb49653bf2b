import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { swaks } from '../support/swaks.ts'
import { believing, connectAs, sendMail, swaksAs } from './client.ts'

const postfix = await startPostfix({ after })
const wait = 700

test('a new client waits once; known, it is greeted at once and may pipeline, even over a restart of the gate', async t => {
  const gate = await startGate(t, `backend: 127.0.0.1:${postfix.ports.proxy}\n${believing}\ngreet: { wait: ${wait}ms }`)

  const first = await connectAs(t, gate, '192.0.2.7')
  assert.equal(await first.line(), '220-gate.example.test ESMTP')
  await first.silence(wait - 200)
  await first.expect(/^220 gate\.example\.test ESMTP$/)
  const { text } = await first.command('EHLO client.example.net', /^250-gate\.example\.test$/m)
  assert.doesNotMatch(text, /PIPELINING/)
  assert.match(text, /^250-SIZE 10240000$/m)
  await first.command('MAIL FROM:<a@example.net>', /^250/)
  await first.command('RCPT TO:<user@example.test>', /^250 2\.1\.5/)
  await first.command('QUIT', /^221 2\.0\.0 Bye$/)
  const line = await gate.waitForSession(({ port }) => port === 40_001)
  assert.ok((line.ms.greeted ?? 0) >= wait, `greeted after ${line.ms.greeted} ms`)
  assert.deepEqual([line.checks['pregreet'], line.checks['pipelining']], ['pass', 'pass'])

  for (const round of ['again', 'after a restart']) {
    if (round === 'after a restart') {
      assert.deepEqual(await gate.stop(), { code: 0, signal: null })
      await gate.start()
    }
    const known = await connectAs(t, gate, '192.0.2.7')
    assert.equal((await known.reply()).text, '220 gate.example.test ESMTP', round)
    await known.command('EHLO client.example.net', /^250-PIPELINING$/m)
    known.sendRaw('MAIL FROM:<a@example.net>\r\nRCPT TO:<user@example.test>\r\nRCPT TO:<no@example.test>\r\nDATA\r\n')
    for (const reply of [/^250 2\.1\.0/, /^250 2\.1\.5/, /^550 5\.1\.1/, /^354/]) await known.expect(reply)
    known.sendRaw('Subject: pipelined\r\n\r\ntext\r\n.\r\nQUIT\r\n')
    await known.expect(/^250 2\.0\.0 Ok: queued as /)
    await known.expect(/^221/)
    const told = await gate.waitForSession(
      ({ messages, time }) => messages?.['accepted'] === 1 && time !== line['time'],
    )
    assert.ok((told.ms.greeted ?? wait) < 200, `${round}: greeted after ${told.ms.greeted} ms`)
    assert.equal(told.checks['pregreet'], 'known')
  }
  await gate.waitForSession(() => gate.log().length === 3)
  // The metrics are of the second run.
  assert.equal(await gate.metric('sallyport_added_delay_seconds_count{client="known"}'), 1)
  assert.equal(await gate.metric('sallyport_added_delay_seconds_count{client="new"}'), 0)

  const another = await connectAs(t, gate, '192.0.2.8')
  assert.equal(await another.line(), '220-gate.example.test ESMTP', 'but its neighbour is new')
})

test('swaks waits once, and pipelines when it comes again', async t => {
  const gate = await startGate(t, `backend: 127.0.0.1:${postfix.ports.proxy}\n${believing}\ngreet: { wait: ${wait}ms }`)
  const mail = [
    ...['--server', '127.0.0.1', '--port', `${gate.port}`, '--pipeline'],
    ...['--from', 'you@example.org', '--to', 'user@example.test', ...swaksAs('192.0.2.7')],
  ]
  const greeted: number[] = []
  for (const offered of [false, true]) {
    const { code, transcript } = await swaks(mail)
    assert.equal(code, 0, transcript)
    assert.equal(/^<.*250-PIPELINING/m.test(transcript), offered, transcript)
    await gate.waitForSession(() => gate.log().length === greeted.length + 1)
    greeted.push(gate.log()[greeted.length]?.ms.greeted ?? Number.NaN)
  }
  assert.ok((greeted[0] ?? 0) >= wait && (greeted[1] ?? wait) < 200, `greeted after ${greeted} ms`)
})

test('loopback clients earn their passes too, and a client that was deferred earns none', async t => {
  const gate = await startGate(t, `backend: 127.0.0.1:${postfix.ports.proxy}`)
  const come = () => connect(t, { port: gate.port, localAddress: '127.0.0.77' })
  const bot = await come()
  bot.sendRaw('EHLO bot\r\n')
  await bot.expect(/^220-/)
  await bot.command('QUIT', /^250-/)
  await gate.waitForSession(({ verdict }) => verdict === 'deferred')
  const waits = await come()
  assert.equal(await waits.line(), '220-gate.example.test ESMTP')
  await sendMail(waits, 'Subject: first\r\n\r\ntext\r\n')
  await gate.waitForSession(({ verdict }) => verdict === 'passed')
  assert.equal((await (await come()).reply()).text, '220 gate.example.test ESMTP')
})
