import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import type { Dialogue } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { believing, connectAs, sendMail, untilRcpt } from './client.ts'

const postfix = await startPostfix({ after })

function startDecoy(t: TestContext, keys = ''): Promise<RunningGate> {
  return startGate(
    t,
    `backend: 127.0.0.1:${postfix.ports.proxy}
${believing}
access: { deny: [192.0.2.0/24] }
checks: { access: { action: decoy } }
${keys}`,
  )
}

/** A whole message of somebody who is let into nothing; gives the reply to its end. */
async function baited(client: Dialogue, body: string): Promise<string> {
  assert.equal(await untilRcpt(client), '250 2.1.5 Ok')
  await client.command('DATA', /^354 End data with <CR><LF>\.<CR><LF>$/)
  client.sendRaw(`${body}.\r\n`)
  const { text } = await client.reply()
  await client.command('QUIT', /^221 2\.0\.0 Bye$/)
  assert.equal(await client.closed, 'fin')
  return text
}

test('a message for the decoy is taken whole and refused with the reference; no server has it, and nothing is kept', async t => {
  const gate = await startDecoy(t)
  const client = await connectAs(t, gate, '192.0.2.10')
  const reply = await baited(client, `Subject: bait-of-10\r\n\r\n${'x'.repeat(70)}\r\n..stuffed\r\n`)
  const id = /^550 5\.7\.1 Access denied; ref=(\w+)$/.exec(reply)?.[1]
  const line = await gate.waitForSession(({ client: address }) => address === '192.0.2.10')
  assert.deepEqual([line.id, line.verdict, line.check, line.reply], [id, 'decoyed', 'access', reply])
  assert.deepEqual([line.messages?.['refused'], line.messages?.['accepted']], [1, 0])
  assert.equal(await gate.metric('sallyport_sessions_total{verdict="decoyed"}'), 1)
  assert.equal(await gate.metric('sallyport_backend_connections_total{result="ok"}'), 0)
  const written = await readdir(gate.folder, { recursive: true })
  assert.ok(!written.some(name => name.endsWith('.eml')), written.join())
  assert.match(await sendMail(await connectAs(t, gate, '198.51.100.1'), 'Subject: honest\r\n\r\ntext\r\n'), /^250 /)
  await postfix.waitForLog(/disconnect from unknown\[198\.51\.100\.1\]/)
  assert.doesNotMatch(await postfix.log(), /192\.0\.2\.10/)
})

test('a sample is kept where it was asked for: bounded, for the gate alone, under names that nobody chose', async t => {
  const gate = await startDecoy(t, 'decoy: { folder: samples, messages: 2, size: 1k }')
  for (let i = 0; i < 3; i++) {
    await baited(await connectAs(t, gate, `192.0.2.${20 + i}`), `Subject: bait ${i}\r\n\r\n${'y'.repeat(5_000)}\r\n`)
  }
  const folder = join(gate.folder, 'samples')
  const names = (await readdir(folder)).sort()
  assert.equal(names.length, 2)
  for (const [i, name] of names.entries()) {
    assert.match(name, /^\d{13}-\d{6}\.eml$/)
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600)
    const text = await readFile(join(folder, name), 'latin1')
    assert.ok(text.startsWith(`X-Client: 192.0.2.${21 + i}\r\nX-Helo: client.example.net\r\nX-Sender: <sender@`), text)
    assert.ok(text.includes(`X-Recipient: <user@example.test>\r\nSubject: bait ${i + 1}\r\n\r\nyyy`), text)
    assert.equal(text.slice(text.indexOf('Subject')).length, 1_024)
  }
})

test('when the decoy has no room its client is refused at RCPT, as anybody would be', async t => {
  const gate = await startDecoy(t, 'decoy: { sessions: 1 }')
  const first = await connectAs(t, gate, '192.0.2.30')
  assert.equal(await untilRcpt(first), '250 2.1.5 Ok')
  const second = await connectAs(t, gate, '192.0.2.31')
  assert.match(await untilRcpt(second), /^550 5\.7\.1 Access denied; ref=/)
  await first.command('QUIT', /^221/)
  assert.equal(await first.closed, 'fin')
  const third = await connectAs(t, gate, '192.0.2.32')
  assert.equal(await untilRcpt(third), '250 2.1.5 Ok')
})

test('a check that leads to the decoy after a reload only finds one there', async t => {
  const gate = await startGate(
    t,
    `backend: 127.0.0.1:${postfix.ports.proxy}\n${believing}\naccess: { deny: [192.0.2.0/24] }`,
  )
  const denied = await connectAs(t, gate, '192.0.2.40')
  await denied.expect(/^521 /)
  await writeFile(gate.file, `${gate.settings}checks: { access: { action: decoy } }\n`)
  gate.signal('SIGHUP')
  await gate.waitForLine(({ event, msg }) => event === 'reload' && msg === 'the new configuration is in force')
  assert.match(await baited(await connectAs(t, gate, '192.0.2.41'), 'Subject: x\r\n\r\n'), /^550 5\.7\.1 Access denied/)
})
