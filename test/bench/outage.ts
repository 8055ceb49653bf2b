import { AilingRedis, type State, states } from '../faults/ailing-redis.ts'
import { KnownSenders, type Span } from '../faults/known-senders.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { startWatched } from '../support/redis-topology.ts'
import { until } from '../support/store-world.ts'
import { startSink } from './program.ts'
import { percentile, type Row } from './table.ts'

/** What known clients may wait longer at the 99th percentile, ms. */
const budget = 5
/** How long a Redis is in each state, and how long the clients are looked at as it ends; ms. */
const [ailing, ending] = [3_000, 1_500]

/**
 * Known clients, one every 25 ms, through two gates at once: the Redis of one is brought into one state after the other, that of the other is well. How
 * much longer sessions take there.
 */
export async function outage(): Promise<Row[]> {
  const undo: (() => unknown)[] = []
  try {
    return await measured({ after: each => void undo.push(each) })
  } finally {
    for (const each of undo.reverse()) await each()
  }
}

async function measured(owner: Owner): Promise<Row[]> {
  const sink = await startSink()
  owner.after(() => sink.stop())
  const [redis, sound] = [await AilingRedis.start(owner), await AilingRedis.start(owner)]
  const well = await gateWith(owner, sink.port, `url: 'redis://127.0.0.1:${sound.port}'`)
  const gate = await gateWith(owner, sink.port, `url: 'redis://127.0.0.1:${redis.port}'`)
  const senders = await introduced(gate, well)
  const spells: Spell[] = []
  for (const state of states) {
    const change = { begin: () => redis.begin(state, ailing), end: () => redis.end(state) }
    spells.push(await spell(gate, senders, state, change))
  }
  await gate.stop()
  const { master, sentinel } = await startWatched(owner)
  const watching = await gateWith(owner, sink.port, `sentinels: ['127.0.0.1:${sentinel.port}']\n  master_name: mail`)
  const change = { begin: () => master.stop(), end: () => Promise.resolve() }
  spells.push(await spell(watching, await introduced(watching, well), 'failing over', change))
  const all = [0, 1, 2, 3].map(i => joined(spells.map(({ spans }) => spans[i])))
  return [...spells.map(({ row }) => row), rowOf('in all of these', all, '')]
}

/** With whom the gates have had to do a while: what they do has been compiled. */
async function introduced(...gates: readonly RunningGate[]): Promise<KnownSenders> {
  const senders = new KnownSenders(...gates.map(({ port }) => port))
  await senders.introduce()
  await senders.for(1_000)
  return senders
}

const gateWith = (owner: Owner, backend: number, place: string): Promise<RunningGate> =>
  startGate(
    owner,
    `backend: { address: '127.0.0.1:${backend}', identity: none, i_know_the_backend_sees_the_gate: true }
trusted_proxies: [127.0.0.1]
greet: { wait: 1s }
store:
  kind: redis
  ${place}`,
  )

async function spell(
  gate: RunningGate,
  senders: KnownSenders,
  state: State | 'failing over',
  { begin, end }: Readonly<Record<'begin' | 'end', () => Promise<unknown>>>,
): Promise<Spell> {
  const lines = () => gate.lines().filter(({ event }) => event === 'store').length
  const isUp = async () => (await gate.metric('sallyport_store_up')) === 1
  await until(`the store is up before it is ${state}`, isUp, 20_000)
  const before = lines()
  const [during] = await Promise.all([senders.for(ailing), begin()])
  const wasUp = await isUp()
  const [after] = await Promise.all([senders.for(ending), end()])
  await until(`the store is up after it was ${state}`, isUp, 20_000)
  const spans = [...during, ...after]
  return { spans, row: rowOf(state, spans, `store_up ${Number(wasUp)}, log lines ${lines() - before}`) }
}

interface Spell {
  readonly spans: readonly Span[]
  readonly row: Row
}

const joined = (spans: readonly (Span | undefined)[]): Span => ({
  took: spans.flatMap(span => span?.took ?? []),
  unserved: spans.reduce((sum, span) => sum + (span?.unserved ?? 0), 0),
})

/** `spans`: at the one gate, at the other, and both as the state ends. */
function rowOf(state: string, [there, well, ending, wellThen]: readonly Span[], said: string): Row {
  const [mine = [], other = []] = [
    [there, ending],
    [well, wellThen],
  ].map(spans => {
    const took = spans.flatMap(span => span?.took ?? [])
    return [0.5, 0.99, 1].map(part => percentile(took, part))
  })
  const text = (values: readonly number[]) => values.map(ms => ms.toFixed(1)).join(' / ')
  const unserved = (there?.unserved ?? 0) + (ending?.unserved ?? 0)
  const sessions = (there?.took.length ?? 0) + (ending?.took.length ?? 0)
  return {
    what: `outage, Redis ${state}`,
    value: `${text(mine)} ms, where it is well ${text(other)}; ${sessions} sessions, ${unserved} unserved; ${said}`,
    ratio: Math.max(0, (mine[1] ?? 0) - (other[1] ?? 0)) / budget + unserved,
    budget: 1,
  }
}
