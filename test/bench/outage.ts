import { AilingRedis, type State, states } from '../faults/ailing-redis.ts'
import { KnownSenders, type Span } from '../faults/known-senders.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type Owner, owning } from '../support/owner.ts'
import { startWatched } from '../support/redis-topology.ts'
import { startSink } from './program.ts'
import { percentile, type Row } from './table.ts'

/** What known clients may wait longer at the 99th percentile, ms. */
const budget = 5
/** How long a Redis is in each state, and how long the clients are looked at as it ends; ms. */
const [ailing, ending] = [3_000, 1_500]
/** Of a hundred and eighty sessions the 99th percentile is the second slowest. */
const rounds = 3
/** For how long known clients come before that, ms: what a gate does has been compiled by then. */
const warming = 10_000

/**
 * Known clients, one every 25 ms, through two gates at once: the Redis of one is brought into one state after the other, that of the other is well. How
 * much longer sessions take there. The two are of one age, and so are what they ask.
 */
export async function outage(): Promise<Row[]> {
  const sink = await startSink()
  try {
    const spells = await owning(owner => inStates(owner, sink.port))
    for (let round = 0; round < rounds; round++) spells.push(await owning(owner => failingOver(owner, sink.port)))
    const names = [...new Set(spells.map(({ state }) => state))]
    const rows = names.map(name =>
      rowOf(
        name,
        spells.filter(({ state }) => state === name),
      ),
    )
    return [...rows, rowOf('in all of these', spells)]
  } finally {
    await sink.stop()
  }
}

async function inStates(owner: Owner, backend: number): Promise<Spell[]> {
  const [redis, sound] = [await AilingRedis.start(owner), await AilingRedis.start(owner)]
  const [gate, well] = await pair(
    owner,
    backend,
    [redis.port, sound.port].map(port => `url: 'redis://127.0.0.1:${port}'`),
  )
  const senders = await introduced(gate, well)
  const spells: Spell[] = []
  for (let round = 0; round < rounds; round++) {
    for (const state of states) {
      const change = { begin: () => redis.begin(state, ailing), end: () => redis.end(state) }
      spells.push(await spell(gate, senders, state, change))
    }
  }
  return spells
}

async function failingOver(owner: Owner, backend: number): Promise<Spell> {
  const [watched, sound] = [await startWatched(owner), await startWatched(owner)]
  const places = [watched, sound].map(
    ({ sentinel }) => `sentinels: ['127.0.0.1:${sentinel.port}']\n  master_name: mail`,
  )
  const [gate, well] = await pair(owner, backend, places)
  const senders = await introduced(gate, well)
  return spell(gate, senders, 'failing over', { begin: () => watched.master.stop(), end: () => Promise.resolve() })
}

async function pair(owner: Owner, backend: number, places: readonly string[]): Promise<[RunningGate, RunningGate]> {
  const [first = '', second = ''] = places
  return [await gateWith(owner, backend, first), await gateWith(owner, backend, second)]
}

async function introduced(...gates: readonly RunningGate[]): Promise<KnownSenders> {
  const senders = new KnownSenders(...gates.map(({ port }) => port))
  await senders.introduce()
  await senders.for(warming)
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

/** What known clients noticed of a state: at its gate and at the other, and of both as it ended. */
interface Spell {
  readonly state: string
  readonly there: Span
  readonly well: Span
  readonly wasUp: boolean
  readonly lines: number
}

async function spell(
  gate: RunningGate,
  senders: KnownSenders,
  state: State | 'failing over',
  { begin, end }: Readonly<Record<'begin' | 'end', () => Promise<unknown>>>,
): Promise<Spell> {
  const lines = () => gate.lines().filter(({ event }) => event === 'store').length
  await gate.waitForMetric('sallyport_store_up', 1)
  const before = lines()
  const [during] = await Promise.all([senders.for(ailing), begin()])
  const wasUp = (await gate.metric('sallyport_store_up')) === 1
  const [after] = await Promise.all([senders.for(ending), end()])
  await gate.waitForMetric('sallyport_store_up', 1)
  const [there, well] = [0, 1].map(at => joined([during[at], after[at]]))
  return { state, there: there ?? joined([]), well: well ?? joined([]), wasUp, lines: lines() - before }
}

const joined = (spans: readonly (Span | undefined)[]): Span => ({
  took: spans.flatMap(span => span?.took ?? []),
  unserved: spans.reduce((sum, span) => sum + (span?.unserved ?? 0), 0),
})

function rowOf(state: string, spells: readonly Spell[]): Row {
  const there = joined(spells.map(spell => spell.there))
  const well = joined(spells.map(spell => spell.well))
  const [mine, other] = [there, well].map(({ took }) => [0.5, 0.99, 1].map(part => percentile(took, part))) as [
    number[],
    number[],
  ]
  const text = (values: readonly number[]) => values.map(ms => ms.toFixed(1)).join(' / ')
  const up = `store_up ${spells.map(({ wasUp }) => Number(wasUp)).join(' ')}`
  return {
    what: `outage, Redis ${state}`,
    value: `${text(mine)} ms, where it is well ${text(other)}; ${there.took.length} sessions, ${there.unserved} unserved; ${up}, log lines ${spells.map(({ lines }) => lines).join(' ')}`,
    ratio: Math.max(0, (mine[1] ?? 0) - (other[1] ?? 0)) / budget + there.unserved,
    budget: 1,
  }
}
