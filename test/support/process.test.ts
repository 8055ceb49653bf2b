import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { found } from './found.ts'
import { Output } from './output.ts'
import { type Owner, undoAfter } from './owner.ts'
import { freePort } from './port.ts'
import { run, startProgram } from './process.ts'

const node = process.execPath

test('a program is ready when its port answers, and its children go with it', async t => {
  const port = await freePort()
  const listen = `require('net').createServer().listen(${port}, '127.0.0.1')`
  // The child holds the port and does not hear of its parent's end: only stopping the whole group frees it.
  const parent = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(listen)}]); process.stdin.resume(); setInterval(() => {}, 1e6)`
  const program = await startProgram(t, { command: node, args: ['-e', parent], ready: { port } })
  const exit = await program.stop(200)
  assert.deepEqual(exit, { code: null, signal: 'SIGTERM' })
  // The child has its signal by now; it may need a moment to die of it.
  const isFree = () =>
    connected(port).then(
      () => undefined,
      error => (/ECONNREFUSED/.test(String(error)) ? true : undefined),
    )
  assert.ok(await found('the port is free', 2_000, isFree, async () => program.output()))
})

test('a program is ready when a line of its output matches', async t => {
  const script = `console.error('listening on 7'); setInterval(() => {}, 1e6)`
  const program = await startProgram(t, { command: node, args: ['-e', script], ready: { line: /^listening/ } })
  assert.equal(await program.waitForLine(/on \d/), 'listening on 7')
  await assert.rejects(
    program.waitForLine(/never/, 50),
    /no line of its output matches \/never\/ after 50 ms\n--- output\nlistening on 7/,
  )
})

test('a program that does not start says why', async t => {
  const script = `console.error('no such key: foo'); process.exit(78)`
  await assert.rejects(
    startProgram(t, {
      command: node,
      args: ['-e', script],
      ready: { line: /ready/ },
      log: async () => 'line of the log',
    }),
    /it has ended \(code 78\)\n--- output\nno such key: foo\n\n--- log\nline of the log/,
  )
  await assert.rejects(
    startProgram(t, { command: '/nonexistent', args: [], ready: { line: /ready/ } }),
    /it has ended \(spawn \/nonexistent ENOENT\)/,
  )
})

test('a program that does not heed SIGTERM is killed', async t => {
  const script = `process.on('SIGTERM', () => console.log('no')); setInterval(() => {}, 1e6); console.log('ready')`
  const program = await startProgram(t, { command: node, args: ['-e', script], ready: { line: /ready/ } })
  assert.deepEqual(await program.stop(50), { code: null, signal: 'SIGKILL' })
})

test('a program ends with the test that owns it', async () => {
  const undos: (() => Promise<void> | void)[] = []
  const owner: Owner = { after: undo => void undos.push(undo) }
  undoAfter(owner, () => undefined)
  const program = await startProgram(owner, { command: 'sleep', args: ['60'], ready: { check: () => true } })
  assert.ok(process.kill(program.pid, 0))
  for (const undo of undos) await undo()
  assert.throws(() => process.kill(program.pid, 0), /ESRCH/)
})

test('run gives the exit code and the output, and rejects when it takes too long', async () => {
  const finished = await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])
  assert.deepEqual(finished, { code: 3, stdout: 'out\n', stderr: 'err\n', output: 'out\nerr\n' })
  await assert.rejects(run('sleep', ['60'], 50), /sleep ended by SIGKILL \(limit 50 ms\)/)
})

function connected(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

test('of what a program writes the latest is kept, whatever pieces it comes in, and can be read as it comes', () => {
  const output = new Output(100)
  let all = ''
  let read = 0
  let together = ''
  for (let turn = 0; turn < 500; turn++) {
    const piece = `${turn} `.repeat(turn % 7)
    output.add(piece)
    all += piece
    assert.equal(output.end, all.length)
    const { text } = output
    assert.ok(all.endsWith(text) && text.length >= Math.min(all.length, 100) && text.length < 240, text)
    for (const from of [0, 1, 50, 99].map(back => Math.max(0, all.length - back)))
      assert.equal(output.since(from), all.slice(from))
    if (turn % 3 !== 0) continue
    together += output.since(read)
    read = output.end
  }
  assert.equal(together + output.since(read), all)
})
