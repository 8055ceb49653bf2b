import { connect } from 'node:net'
import { type Program, startGate, startPipe, startSink } from './program.ts'
import { median, type Row } from './table.ts'

/** One after another in each of 20 lanes. */
const times = 250
const lanes = 20

/**
 * Denied clients, one after another and 20 at once: CPU each until they are sent away with 521, beside that of a bare server that says the
 * same to everybody.
 */
export async function refuse(): Promise<Row[]> {
  const sink = await startSink()
  const gate = await startGate(sink.port, "access: { deny: ['127.66.0.0/16'] }\nlog: { level: warn }\n")
  const least = await startPipe(0, 'decline')
  const costs = [[], []] as [number[], number[]]
  for (let round = -2; round < 5; round++) {
    for (const [i, program] of [gate, least].entries()) {
      const before = program.cpu()
      await Promise.all(Array.from({ length: lanes }, (_, lane) => knock(program, lane)))
      if (round >= 0) costs[i]?.push((program.cpu() - before) / (times * lanes))
    }
  }
  await Promise.all([gate.stop(), least.stop(), sink.stop()])
  const [ours, bare] = [median(costs[0]), median(costs[1])]
  return [
    { what: 'a denied client, CPU each, a bare server that says no', value: `${(bare * 1e6).toFixed(0)} µs` },
    {
      what: 'a denied client, CPU each, gate',
      value: `${(ours * 1e6).toFixed(0)} µs`,
      ratio: ours / bare,
      budget: 1.25,
    },
  ]
}

async function knock(program: Program, lane: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: program.port, localAddress: `127.66.${lane}.${i & 127}` })
      let text = ''
      socket.setEncoding('latin1')
      socket.on('data', (octets: string) => {
        text += octets
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })
    if (!reply.startsWith('521 5.7.1 ')) throw new Error(`a denied client heard: ${reply}`)
  }
}
