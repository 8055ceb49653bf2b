import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../support/dialogue.ts'
import { cli } from '../support/gate.ts'
import { type Owner, tempDirectory, undoAfter, undoAtExit } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { processorTime } from './process-state.ts'

const pause = 600

interface Unread {
  readonly child: ChildProcess
  readonly port: number
  readonly adminPort: number
  readonly exited: Promise<number | null>
}

/** A gate whose log goes into a pipe from which only as much is read as it takes to see that it has started. */
async function startUnread(owner: Owner): Promise<Unread> {
  const folder = await tempDirectory(owner, 'unread')
  const sink = await startSink(owner, { proxy: true })
  const [port, adminPort] = [await freePort(), await freePort()]
  const file = join(folder, 'sallyport.yaml')
  await writeFile(
    file,
    `backend: 127.0.0.1:${sink.port}
listen: ['127.0.0.1:${port}']
admin: { listen: '127.0.0.1:${adminPort}' }
greet: { wait: ${pause}ms }
access: { allow: [127.0.0.1] }
recipient_domains: [example.org]
checks: { commands: { enabled: false } }
`,
  )
  const child = spawn(process.execPath, [cli, 'run', '-c', file], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  const kill = () => void child.kill('SIGKILL')
  const forget = undoAtExit(kill)
  undoAfter(owner, async () => {
    kill()
    await exited
    forget()
  })
  await new Promise<void>(resolve => child.stdout?.once('data', () => resolve()))
  child.stdout?.pause()
  return { child, port, adminPort, exited }
}

async function metric({ adminPort }: Unread, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

/** A session whose log line is as long as they get, some 6 kB. */
const longest = [
  `EHLO ${'h'.repeat(200)}`,
  `MAIL FROM:<${'f'.repeat(300)}@example.net>`,
  ...Array.from({ length: 10 }, (_, n) => `RCPT TO:<${n}${'t'.repeat(300)}@example.net>`),
  'QUIT\r\n',
].join('\r\n')

async function fillLog(owner: Owner, gate: Unread): Promise<void> {
  const deadline = performance.now() + 60_000
  const one = async (): Promise<void> => {
    while ((await metric(gate, 'sallyport_log_dropped_total')) === 0 && performance.now() < deadline) {
      for (let n = 0; n < 50; n++) {
        const client = await connect(owner, { port: gate.port })
        client.sendRaw(longest)
        await client.closed
      }
    }
  }
  await Promise.all([one(), one(), one(), one()])
}

test('a log that nobody reads stops nothing: lines are dropped and counted, pauses stay exact, a stop is a stop', async t => {
  const gate = await startUnread(t)
  await fillLog(t, gate)
  assert.ok((await metric(gate, 'sallyport_log_dropped_total')) > 0)

  const strangers = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const client = await connect(t, { port: gate.port, localAddress: `127.0.2.${n + 1}` })
      await client.line(/^220-/)
      const teased = performance.now()
      await client.expect(/^220 /)
      return performance.now() - teased
    }),
  )
  for (const waited of strangers) assert.ok(waited >= pause - 20 && waited < pause + 600, `waited ${waited} ms`)
  const used = processorTime(gate.child.pid ?? 0)
  await sleep(1_000)
  assert.ok(processorTime(gate.child.pid ?? 0) - used < 300, 'it is busy with a log that nobody reads')

  let read = 0
  gate.child.stdout?.on('data', (data: Buffer) => {
    read += data.length
  })
  gate.child.stdout?.resume()
  await until('what waited is read', () => read > 4_000_000)
  const dropped = await metric(gate, 'sallyport_log_dropped_total')
  const client = await connect(t, { port: gate.port })
  await client.command('QUIT', /^220/)
  await client.closed
  assert.equal(await metric(gate, 'sallyport_log_dropped_total'), dropped)
})

test('a gate whose log nobody reads stops when it is told to', async t => {
  const gate = await startUnread(t)
  await fillLog(t, gate)
  const told = performance.now()
  gate.child.kill('SIGTERM')
  await Promise.race([gate.exited, sleep(5_000)])
  assert.equal(gate.child.exitCode, 0, 'it has not ended')
  assert.ok(performance.now() - told < 3_000)
})

test('a reader of the log that is gone costs the log, not the gate', async t => {
  const gate = await startUnread(t)
  gate.child.stdout?.destroy()
  for (let n = 0; n < 20; n++) {
    const client = await connect(t, { port: gate.port })
    await client.command('QUIT', /^220/)
    await client.closed
  }
  await sleep(300)
  assert.equal(gate.child.exitCode, null)
  assert.ok((await metric(gate, 'sallyport_log_dropped_total')) > 0)
  gate.child.kill('SIGTERM')
  assert.equal(await gate.exited, 0)
})
