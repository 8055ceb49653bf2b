import { type Program, smtpSource, startGate, startPipe, startSink } from './program.ts'
import { median, type Row } from './table.ts'

/** Rounds that are not counted: until then the engine compiles what is hot, and what is measured is that. */
const warmUps = 2

/** Alternated so that a machine whose speed drifts does not favour one side. */
async function alternate(rounds: number, sides: readonly Program[], run: (side: Program) => Promise<unknown>) {
  const costs = sides.map(() => [] as number[])
  for (let round = -warmUps; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const before = side.cpu()
      await run(side)
      if (round >= 0) costs[i]?.push(side.cpu() - before)
    }
  }
  return costs.map(median)
}

/** A client that is known: one that has once waited through a short pause and delivered. */
async function knownGate(sink: Program): Promise<Program> {
  const gate = await startGate(
    sink.port,
    'greet: { wait: 200ms }\nlimits: { per_client: 10000 }\nlog: { level: info }\n',
  )
  await smtpSource(['-m', '1', '-f', 'a@example.org', '-t', 'b@example.test', `127.0.0.1:${gate.port}`])
  return gate
}

/**
 * EHLO, MAIL, RCPT, DATA of 4 KiB, QUIT; 20 at once: CPU a session of the gate against that of a bare pipe, and for comparison that of
 * the least proxy that speaks as the gate does, which is no dearer than the pipe: what is above both is the gate's own.
 */
export async function relay(): Promise<Row[]> {
  const sink = await startSink()
  const [gate, pipe] = [await knownGate(sink), await startPipe(sink.port)]
  const lines = await startPipe(sink.port, 'lines')
  const sessions = 2000
  const args = ['-s', '20', '-l', '4096', '-m', String(sessions), '-f', 'a@example.org', '-t', 'b@example.test']
  const [ours = 0, bare = 0, least = 0] = await alternate(5, [gate, pipe, lines], side =>
    smtpSource([...args, `127.0.0.1:${side.port}`]),
  )
  await Promise.all([gate.stop(), pipe.stop(), lines.stop(), sink.stop()])
  return [
    { what: 'relay 4 KiB, CPU a session, bare Node pipe', value: `${((bare / sessions) * 1000).toFixed(3)} ms` },
    { what: 'relay 4 KiB, CPU a session, bare line by line', value: `${((least / sessions) * 1000).toFixed(3)} ms` },
    {
      what: 'relay 4 KiB, CPU a session, gate, client known, default checks',
      value: `${((ours / sessions) * 1000).toFixed(3)} ms`,
      ratio: ours / bare,
      budget: 1.3,
    },
  ]
}

/** Messages of 20 MB, 4 at once: CPU per gigabyte. */
export async function bulk(): Promise<Row[]> {
  const sink = await startSink()
  const [gate, pipe] = [await knownGate(sink), await startPipe(sink.port)]
  const [count, size] = [24, 20_000_000]
  const args = ['-s', '4', '-l', String(size), '-m', String(count), '-f', 'a@example.org', '-t', 'b@example.test']
  const [ours = 0, bare = 0] = await alternate(3, [gate, pipe], side => smtpSource([...args, `127.0.0.1:${side.port}`]))
  await Promise.all([gate.stop(), pipe.stop(), sink.stop()])
  const gigabytes = (count * size) / 1e9
  return [
    { what: '20 MB messages, CPU per GB, bare Node pipe', value: `${(bare / gigabytes).toFixed(2)} s` },
    {
      what: '20 MB messages, CPU per GB, gate',
      value: `${(ours / gigabytes).toFixed(2)} s`,
      ratio: ours / bare,
      budget: 1.35,
    },
  ]
}
