import { connect, type Socket } from 'node:net'
import { type Program, startGate, startSink } from './program.ts'
import { median, percentile, type Row } from './table.ts'

const count = 8000

/** Source addresses in 127/8, so that no cap on one client is in the way. */
const source = (i: number) => `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`

/** 8,000 silent clients in the pause: memory each; and a good client's session meanwhile. */
export async function hold(): Promise<Row[]> {
  const sink = await startSink()
  // The good client is exempt from the pause, so that its time is the gate's own.
  const settings =
    "greet: { wait: 2m, networks: [{ network: '127.0.0.9', wait: 0s }] }\nlimits: { connections: 20000 }\n"
  const gate = await startGate(sink.port, `${settings}timeouts: { screening: 20m }\n`)
  await sessions(gate, 300)
  const unloaded = await sessions(gate, 300)
  const before = gate.rss()
  const held = await gather(gate, count)
  await settle()
  const after = gate.rss()
  const loaded = await sessions(gate, 300)
  for (const socket of held) socket.destroy()
  await Promise.all([gate.stop(), sink.stop()])
  const each = (after - before) / count
  const [p99, p99Loaded] = [percentile(unloaded, 0.99), percentile(loaded, 0.99)]
  return [
    {
      what: `${count} clients held in the pause, memory each`,
      value: `${(each / 1024).toFixed(2)} KiB`,
      ratio: each / 1024 / 4.5,
      budget: 1,
    },
    { what: 'a good session, median, nobody held', value: `${median(unloaded).toFixed(2)} ms` },
    { what: 'a good session, p99, nobody held', value: `${p99.toFixed(2)} ms` },
    {
      what: `a good session, p99, ${count} held`,
      value: `${p99Loaded.toFixed(2)} ms`,
      ratio: p99Loaded / p99,
      budget: 2,
    },
  ]
}

async function gather(gate: Program, wanted: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let i = 0; i < wanted; i += 200) {
    const some = Array.from({ length: Math.min(200, wanted - i) }, (_, k) => teased(gate, source(i + k)))
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

/** A client that has heard the teaser, and waits. */
function teased(gate: Program, localAddress: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: gate.port, localAddress })
    socket.once('data', (octets: Buffer) => {
      if (octets.toString('latin1').startsWith('220-')) resolve(socket)
      else reject(new Error(`no teaser but ${octets.toString('latin1')}`))
    })
    socket.once('error', reject)
  })
}

/** Memory settles once the garbage of the connecting has been collected. */
const settle = () => new Promise(resolve => setTimeout(resolve, 8000))

/** Milliseconds of so many good sessions, one after another, from connect to the reply to QUIT. */
async function sessions(gate: Program, times: number): Promise<number[]> {
  const spans: number[] = []
  for (let i = 0; i < times; i++) spans.push(await session(gate))
  return spans
}

const lines = [
  'EHLO mail.example.org',
  'MAIL FROM:<a@example.org>',
  'RCPT TO:<b@example.test>',
  'DATA',
  'Subject: x\r\n\r\nx\r\n.',
  'QUIT',
]

function session(gate: Program): Promise<number> {
  const begin = performance.now()
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: gate.port, localAddress: '127.0.0.9', noDelay: true })
    let said = 0
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (octets: string) => {
      text += octets
      if (!/^[23]\d\d .*\r\n$/m.test(text)) return
      text = ''
      const line = lines[said++]
      if (line !== undefined) socket.write(`${line}\r\n`)
      else {
        resolve(performance.now() - begin)
        socket.end()
      }
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${said} lines`)))
  })
}
