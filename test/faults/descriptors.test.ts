import assert from 'node:assert/strict'
import { connect as connectSocket, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startGate } from '../support/gate.ts'
import { undoAfter } from '../support/owner.ts'
import { run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { sendOne } from './one-message.ts'
import { descriptors, processorTime } from './process-state.ts'

const limit = 80

/** Goes on from the greeting to RCPT; gives the code that this is answered. */
async function toRecipient(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data
  })
  const commands = ['EHLO client.example.net', 'MAIL FROM:<sender@example.net>', 'RCPT TO:<user@example.test>']
  for (const [n, command] of commands.entries()) {
    socket.write(`${command}\r\n`)
    await until(`a reply to ${command}`, () => (text.match(/^\d{3} /gm) ?? []).length > n)
  }
  return (
    text
      .match(/^\d{3} /gm)
      ?.at(-1)
      ?.trim() ?? ''
  )
}

test('out of descriptors: no crash and no busy loop, and all is well when there are some again', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `backend: 127.0.0.1:${sink.port}\ngreet: { wait: 0s }\nlimits: { per_client: 1000 }`)
  await run('prlimit', ['--pid', String(gate.pid), `--nofile=${limit}:${limit}`])
  assert.equal((await sendOne(t, gate.port)).codes.message, 250)
  const atRest = descriptors(gate.pid)
  let greeted = 0
  let closed = 0
  const sockets: Socket[] = []
  undoAfter(t, () => {
    for (const socket of sockets) socket.destroy()
  })
  for (let n = 0; n < 150; n++) {
    const socket = connectSocket({ port: gate.port, host: '127.0.0.1' })
    sockets.push(socket)
    socket.once('data', () => greeted++)
    socket.on('close', () => closed++)
    socket.on('error', () => {})
  }
  await until('all that it can hold are greeted', () => greeted >= limit - atRest - 5 && greeted + closed >= 150)
  assert.ok(greeted < limit, `${greeted} greeted`)
  // There are none left for backends: the clients that are in hear 451, not worse.
  const used = processorTime(gate.pid)
  const heard = await Promise.all(
    sockets
      .filter(socket => !socket.destroyed)
      .slice(0, 8)
      .map(toRecipient),
  )
  assert.ok(heard.includes('451'), `heard ${heard}`)
  assert.deepEqual(
    heard.filter(code => code !== '451' && code !== '250'),
    [],
  )
  await sleep(900)
  assert.ok(processorTime(gate.pid) - used < 400, 'it is busy with connections that it cannot take')
  for (const socket of sockets) socket.destroy()
  await until('its descriptors are as before', () => descriptors(gate.pid) <= atRest + 1)
  const course = await sendOne(t, gate.port)
  assert.equal(course.codes.message, 250, course.transcript)
  assert.equal((await gate.admin('/healthz')).status, 200)
})
