import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli } from '../support/gate.ts'
import { tempDirectory, undoAfter } from '../support/owner.ts'
import { startSink } from '../support/sink.ts'

test('SIGHUP while the start still waits for the server behind ends nothing, and the file is read again', async t => {
  const sink = await startSink(t, { proxy: true, faults: { greeting: { kind: 'hang' } } })
  const folder = await tempDirectory(t, 'start')
  const file = join(folder, 'sallyport.yaml')
  const settings = [
    `backend: 127.0.0.1:${sink.port}`,
    "listen: ['127.0.0.1:0']",
    'admin: { listen: off }',
    `store: { file: '${join(folder, 'clients.json')}' }`,
  ]
  await writeFile(file, settings.join('\n'))
  const gate = spawn(process.execPath, [cli, 'run', '-c', file], { stdio: ['ignore', 'pipe', 'ignore'] })
  undoAfter(t, () => void gate.kill('SIGKILL'))
  const ended = once(gate, 'exit')
  let output = ''
  gate.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const until = async (what: string, holds: () => boolean) => {
    for (const end = performance.now() + 20_000; !holds(); await sleep(10))
      assert.ok(performance.now() < end && gate.exitCode === null && gate.signalCode === null, `${what}\n${output}`)
  }
  await until('the gate asks what is offered', () => sink.connections.length > 0)
  gate.kill('SIGHUP')
  await sleep(100)
  await sink.stop()
  await until('the gate listens', () => output.includes('"msg":"sallyport listens"'))
  await until('the file was read again', () => output.includes('"msg":"the new configuration is in force"'))
  gate.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null], output)
})
