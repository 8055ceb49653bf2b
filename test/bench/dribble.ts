import { connect, type Socket } from 'node:net'
import { startGate, startSink } from './program.ts'
import type { Row } from './table.ts'

const count = 10_000

/** How long the octets are counted, s. */
const span = 20

/** The greeting and the refusal together take more than a minute: so all are spoken to all the time. */
const said = 'RCPT TO:<a@example.test>\r\n'

/** 10,000 trapped clients that hear an octet a second each: memory over idle, CPU of one core. */
export async function dribble(): Promise<Row[]> {
  const sink = await startSink()
  const gate = await startGate(
    sink.port,
    `${[
      "access: { deny: ['127.1.0.0/16'] }",
      'checks: { access: { action: trap } }',
      `trap: { sessions: ${count}, interval: 1s, wait: 1h }`,
      'limits: { connections: 20000 }',
      'log: { level: warn }',
    ].join('\n')}\n`,
  )
  await settle()
  const idle = gate.rss()
  let heard = 0
  const sockets: Socket[] = []
  for (let i = 0; i < count; i += 200) {
    const some = Array.from({ length: 200 }, (_, k) => trapped(gate.port, i + k, octets => (heard += octets)))
    sockets.push(...(await Promise.all(some)))
  }
  await settle()
  const [before, cpu, kernel, begin] = [heard, gate.cpu(), gate.kernel(), performance.now()]
  await new Promise(resolve => setTimeout(resolve, span * 1000))
  const seconds = (performance.now() - begin) / 1000
  const core = (gate.cpu() - cpu) / seconds
  const ofKernel = (gate.kernel() - kernel) / seconds
  const each = (heard - before) / seconds / count
  const memory = gate.rss() - idle
  const bare = await writes(sockets)
  for (const socket of sockets) socket.destroy()
  await Promise.all([gate.stop(), sink.stop()])
  if (each < 0.9) throw new Error(`only ${each.toFixed(2)} octets a second each`)
  return [
    { what: `${count} clients trapped, octets a second each`, value: each.toFixed(2) },
    {
      what: `${count} clients trapped, memory over idle`,
      value: `${(memory / 1e6).toFixed(1)} MB`,
      ratio: memory / 60e6,
      budget: 1,
    },
    {
      what: `${count} clients trapped, of one core`,
      value: `${(core * 100).toFixed(1)} %`,
      ratio: core / 0.1,
      budget: 1,
    },
    { what: `${count} clients trapped, of one core in the kernel`, value: `${(ofKernel * 100).toFixed(1)} %` },
    { what: `${count} octets by a bare socket.write, of a second of one core`, value: `${(bare * 100).toFixed(1)} %` },
  ]
}

/** The yardstick: what an octet to each costs in Node and the kernel without a gate, seconds of CPU. */
async function writes(sockets: readonly Socket[]): Promise<number> {
  for (const socket of sockets) socket.pause()
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < sockets.length; i += 500) {
      for (const socket of sockets.slice(i, i + 500)) socket.write('x', 'latin1')
      await new Promise(resolve => setImmediate(resolve))
    }
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1e6)
  }
  return least
}

/** Memory settles once the garbage of the start, or of the connecting, has been collected. */
const settle = () => new Promise(resolve => setTimeout(resolve, 8_000))

/** A client that has spoken, and listens. */
function trapped(port: number, i: number, hear: (octets: number) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: `127.1.${i >> 8}.${i & 255}` })
    socket.on('data', (octets: Buffer) => hear(octets.length))
    socket.once('error', reject)
    socket.once('connect', () => socket.write(said, () => resolve(socket)))
  })
}
