import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionOptions } from 'node:tls'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startProgram } from '../support/process.ts'
import { until } from '../support/until.ts'
import { sendOne } from './one-message.ts'
import { descriptors, memory } from './process-state.ts'

/** Octets of the big message, without its end. */
const big = 64 * 1024 * 1024
const mostGrowth = 30

/** A backend that counts a message's octets at the speed it is told, and keeps none of them. */
class SlowBackend {
  port = 0
  /** Octets a second in a message; 0: it does not read. */
  speed = 0
  octets = 0
  accepted = 0

  static async start(owner: Owner): Promise<SlowBackend> {
    const backend = new SlowBackend()
    const sockets = new Set<Socket>()
    const server = createServer(socket => {
      sockets.add(socket)
      backend.#serve(socket)
    })
    undoAfter(owner, () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
    const address = server.address()
    backend.port = typeof address === 'object' ? (address?.port ?? 0) : 0
    return backend
  }

  /** The header comes first in a packet of its own; no command but DATA asks for anything but 250. */
  #serve(socket: Socket): void {
    let state: 'header' | 'command' | 'body' = 'header'
    let tail = ''
    socket.on('error', () => {})
    socket.on('data', octets => {
      if (state === 'header') {
        state = 'command'
        socket.write('220 slow.example.test ESMTP\r\n')
      } else if (state === 'command') {
        if (octets.toString('latin1').startsWith('DATA')) state = 'body'
        socket.write(state === 'body' ? '354 go on\r\n' : '250 Ok\r\n')
        tail = '\r\n'
      } else {
        this.octets += octets.length
        tail = (tail + octets.subarray(-5).toString('latin1')).slice(-5)
        if (tail === '\r\n.\r\n') {
          state = 'command'
          this.accepted++
          socket.write('250 2.0.0 Ok: queued as B1\r\n')
        } else void this.#rest(socket, octets.length)
      }
    })
  }

  async #rest(socket: Socket, octets: number): Promise<void> {
    if (this.speed === Number.POSITIVE_INFINITY) return
    socket.pause()
    await until('it may read on', () => this.speed > 0, 60_000).catch(() => {})
    if (this.speed < Number.POSITIVE_INFINITY) await sleep((octets / this.speed) * 1000)
    socket.resume()
  }
}

/** Says a big message to its end, and leaves it to the socket to bring it over. */
async function sendBig(owner: Owner, port: number, tls?: ConnectionOptions): Promise<Dialogue> {
  const client = await connect(owner, { port, waitMs: 20_000, ...(tls === undefined ? {} : { tls }) })
  await client.expect(/^220/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('DATA', /^354/)
  const line = `${'x'.repeat(1022)}\r\n`
  for (let sent = 0; sent < big; sent += 1024 * 1024) client.sendRaw(line.repeat(1024))
  client.sendRaw('.\r\n')
  return client
}

async function world(t: TestContext, more = '', tls?: ConnectionOptions) {
  const backend = await SlowBackend.start(t)
  const gate = await startGate(t, `backend: 127.0.0.1:${backend.port}\ngreet: { wait: 0s }\n${more}`)
  // What the first sessions make the engine allocate for good is not to be measured.
  backend.speed = Number.POSITIVE_INFINITY
  if (tls === undefined) for (let n = 0; n < 20; n++) await sendOne(t, gate.port)
  await (await sendBig(t, gate.port, tls)).expect(/queued/)
  return { backend, gate }
}

test('a message of 64 MB is not held, whether the backend reads slowly or not at all, and others are served', async t => {
  const { backend, gate } = await world(t)
  const [fds, before] = [descriptors(gate.pid), memory(gate.pid)]
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, memory(gate.pid))
  }, 20)
  t.after(() => clearInterval(watch))
  backend.speed = 0
  backend.octets = 0
  const client = await sendBig(t, gate.port)
  await sleep(700)
  assert.ok(backend.octets < 1e6, `${backend.octets} octets read by a backend that does not`)
  assert.equal((await gate.admin('/healthz')).status, 200)
  backend.speed = 1e6
  await sleep(1_500)
  const ehlo = performance.now()
  const other = await connect(t, { port: gate.port })
  await other.expect(/^220/)
  await other.command('EHLO other.example.net', /^250/)
  assert.ok(performance.now() - ehlo < 3_000, 'another client waits')
  assert.ok(backend.octets < 10e6, `${backend.octets} octets read in 1.5 s`)
  // At full speed what is read and gone waits for the collector, up to some 35 MB however many messages there are.
  clearInterval(watch)
  backend.speed = Number.POSITIVE_INFINITY
  await client.expect(/queued as B1/)
  assert.equal(backend.octets, big + 3)
  assert.ok(most - before < mostGrowth, `the gate grew from ${before} to ${most} MB`)
  client.send('QUIT')
  client.end()
  other.destroy()
  await until('its descriptors are as before', () => descriptors(gate.pid) <= fds)
})

test('nor is one that comes through TLS', async t => {
  const pair = await (await makeAuthority(t)).issue(['mx.example.test'])
  const listen = `listen: [{ address: '127.0.0.1:${await freePort()}', tls: implicit }]\n`
  const { backend, gate } = await world(t, listen + certificatesKey(pair), {})
  const before = memory(gate.pid)
  backend.speed = 0
  backend.octets = 0
  const client = await sendBig(t, gate.port, {})
  await sleep(1_000)
  const after = memory(gate.pid)
  assert.ok(backend.octets < 1e6, `${backend.octets} octets read by a backend that does not`)
  assert.ok(after - before < mostGrowth, `the gate grew from ${before} to ${after} MB`)
  backend.speed = Number.POSITIVE_INFINITY
  await client.expect(/queued as B1/)
  assert.equal(backend.octets, big + 3)
})

test('a backend whose connection never stands: 451 after the time to connect, and others are not held', async t => {
  // It listens, is stopped, and its queue is full: what comes now is not answered at all (listen(2)).
  const script =
    'const s = require("node:net").createServer(c => c.destroy()).listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log("port", s.address().port))'
  const hole = await startProgram(t, { command: process.execPath, args: ['-e', script], ready: { line: /^port \d+$/ } })
  undoAfter(t, () => hole.kill('SIGCONT'))
  const port = Number(/\d+/.exec(await hole.waitForLine(/^port/))?.[0])
  const gate = await startGate(t, `backend: 127.0.0.1:${port}\ngreet: { wait: 0s }\ntimeouts: { backend_connect: 3s }`)
  hole.kill('SIGSTOP')
  const fds = descriptors(gate.pid)
  await Promise.all(Array.from({ length: 4 }, () => connect(t, { port, waitMs: 300 }).catch(() => {})))
  const courses = await Promise.all(Array.from({ length: 10 }, () => sendOne(t, gate.port)))
  for (const course of courses) {
    assert.equal(course.codes.rcpt, 451, course.transcript)
    const took = course.ms.rcpt ?? 0
    assert.ok(took >= 2_995 && took < 6_000, `after ${took} ms`)
    assert.ok((course.ms.greeting ?? 0) < 2_500, 'the greeting was held')
  }
  // It still asks whether the backend is back, with one connection at the most.
  await until('its descriptors are as before', () => descriptors(gate.pid) <= fds + 1)
  const stopped = performance.now()
  gate.signal('SIGTERM')
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
  assert.ok(performance.now() - stopped < 6_000, 'a stop waits for a backend that does not answer')
})
