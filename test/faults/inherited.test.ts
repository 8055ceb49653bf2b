import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { restart } from '../drain/one-gate.ts'
import { tallyText, wrongWith } from '../drain/verdict.ts'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { connect } from '../support/dialogue.ts'
import { cli } from '../support/gate.ts'
import { tempDirectory, undoAfter, undoAtExit } from '../support/owner.ts'
import { startSink } from '../support/sink.ts'

/** What systemd does with a socket unit (sd_listen_fds(3)): the socket is descriptor 3, and its number is the process's own. */
const activate = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'

test('a client that connected before the gate ran is greeted by it', async t => {
  const sink = await startSink(t, { proxy: true })
  const folder = await tempDirectory(t, 'inherited')
  const file = join(folder, 'sallyport.yaml')
  const pair = await (await makeAuthority(t)).issue(['mx.example.test'])
  // The socket counts and the address in the file does not; but the mode beside it does.
  await writeFile(
    file,
    `backend: 127.0.0.1:${sink.port}\nlisten: [{ address: '127.0.0.1:1', tls: implicit }]\n${certificatesKey(pair)}\nadmin: { listen: off }\ngreet: { wait: 0s }\n`,
  )
  const server = createServer(() => assert.fail('the connection was taken by the wrong process'))
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const { port } = server.address() as AddressInfo
  // All in one turn of the event loop, so that nothing is accepted here: connected, handed over, closed on this side.
  const early = connect(t, { port })
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } }
  const child: ChildProcess = spawn('sh', ['-c', activate, 'sh', process.execPath, cli, 'run', '-c', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit', handle.fd],
  })
  server.close()
  const kill = () => void child.kill('SIGKILL')
  const forget = undoAtExit(kill)
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  undoAfter(t, async () => {
    kill()
    await exited
    forget()
  })
  let output = ''
  child.stdout?.on('data', (text: Buffer) => {
    output += text.toString()
  })
  const client = await early
  await client.secure()
  await client.expect(/^220 /)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('QUIT', /^221/)
  const later = await connect(t, { port, tls: {} })
  await later.expect(/^220 /)
  child.kill('SIGTERM')
  await later.command('QUIT', /^221 /)
  assert.equal(await exited, 0)
  assert.match(output, new RegExp(`"listen":\\["127\\.0\\.0\\.1:${port}"\\]`))
})

test('a gate that restarts under load on a socket that is held for it: who comes meanwhile waits, nobody is refused, nothing is lost', async t => {
  const tally = await restart(t, 1)
  t.diagnostic(tallyText(tally))
  assert.deepEqual(wrongWith(tally), [])
  assert.ok(tally.between > 0, 'no session was open')
})
