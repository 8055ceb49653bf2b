import { Memory } from '@sallyport/proxy/memory.js'
import { noteHeard } from '@sallyport/proxy/session/heard.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { address4, clientKey, judge, NetworkSet, networkKey } from '@sallyport/rules'
import { makeHouse } from '../support/house.ts'
import { type Owner, owning, undoAfter } from '../support/owner.ts'
import { Recorder } from '../support/recorder.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { passOf } from '../support/spf.ts'
import { eventually } from '../support/store-world.ts'
import type { Row } from './table.ts'

const times = 10_000
/** Those that are going on at once are of different networks, as a rule. */
const scatter = 7919
/** Sessions that are going on at once. */
const lanes = 20

const house = makeHouse({
  asks: ['rate', 'greylist', 'spf', 'reverse-name'],
  policy: { checks: { rate: { action: 'defer', options: { address: 1000, network: 100_000 } } } },
})
const caps = { perClient: 50, perNetwork: 500 }
const discretion = { learnPrivate: false, proxies: NetworkSet.of([]), disbelieved: new Set<never>() }

/** What Redis has counted so far: calls of scripts and microseconds in them; octets from its clients and to them, and reads; CPU, seconds. */
async function countedBy(redis: RedisServer) {
  const info = await redis.command('INFO', 'everything')
  const number = (pattern: RegExp) => Number(pattern.exec(info)?.[1] ?? 0)
  return {
    calls: number(/^cmdstat_evalsha:calls=(\d+)/m) + number(/^cmdstat_evalsha_ro:calls=(\d+)/m),
    spent: number(/^cmdstat_evalsha:calls=\d+,usec=(\d+)/m) + number(/^cmdstat_evalsha_ro:calls=\d+,usec=(\d+)/m),
    octetsIn: number(/^total_net_input_bytes:(\d+)/m),
    octetsOut: number(/^total_net_output_bytes:(\d+)/m),
    reads: number(/^total_reads_processed:(\d+)/m),
    cpu: number(/^used_cpu_user:([\d.]+)/m) + number(/^used_cpu_sys:([\d.]+)/m),
  }
}

/** Who comes, and what it does that the store hears of. */
interface Caller {
  readonly what: string
  readonly rate: boolean
  readonly grey: boolean
  readonly spam: boolean
  /** Of so many addresses, one after the other. */
  readonly among: number
}

const callers: readonly Caller[] = [
  { what: 'a stranger whose mail is taken', rate: false, grey: false, spam: false, among: times },
  { what: 'the same, known for it', rate: false, grey: false, spam: false, among: 1000 },
  { what: 'the same, with rates', rate: true, grey: false, spam: false, among: 1000 },
  { what: 'a stranger whose mail is refused', rate: false, grey: false, spam: true, among: times },
  { what: 'a suspect that is asked to come again', rate: false, grey: true, spam: false, among: times },
]

/**
 * The gate's memory beside a real Redis: what a session takes of it, in commands, octets and CPU; what it takes of the gate, beside what it takes without
 * a store, with the little that is done here to have sessions at all.
 */
export function store(): Promise<Row[]> {
  return owning(measured)
}

async function measured(owner: Owner): Promise<Row[]> {
  const redis = await startRedis()
  undoAfter(owner, () => redis.stop())
  const options = {
    kind: 'redis',
    url: `redis://127.0.0.1:${redis.port}`,
    password: null,
    prefix: 'sallyport:',
  } as const
  const log = { info() {}, warn() {} }
  const opened = openStore(
    { ...options, commandWait: 10_000, clients: 10 },
    { log, now: () => Math.floor(Date.now() / 1000) },
  )
  undoAfter(owner, () => opened.close())
  await eventually('Redis is there', () => opened.health.up)
  const rows: Row[] = []
  for (const [series, caller] of callers.entries()) {
    await run(opened, caller, series, 500)
    await settled(redis)
    const [before, used] = [await countedBy(redis), process.cpuUsage()]
    await run(opened, caller, series, times)
    const { user, system } = process.cpuUsage(used)
    await settled(redis)
    const after = await countedBy(redis)
    const each = (name: keyof typeof before) => (after[name] - before[name]) / times
    const figures = [
      `${each('calls').toFixed(1)} commands`,
      `${each('octetsIn').toFixed(0)} + ${each('octetsOut').toFixed(0)} octets`,
      `${each('reads').toFixed(1)} reads`,
      `${each('spent').toFixed(0)} µs in scripts`,
      `${(each('cpu') * 1e6).toFixed(0)} µs CPU of Redis`,
      `${((user + system) / times).toFixed(0)} µs of the gate`,
    ]
    rows.push({ what: `store, a session: ${caller.what}`, value: figures.join(', ') })
  }
  rows.push(await held(opened, redis))
  return rows
}

/** What it costs to keep the places of clients that stay: of as many networks. Half a lease goes by before the first is renewed. */
async function held(opened: Store, redis: RedisServer): Promise<Row> {
  const pause = (seconds: number) => new Promise(resolve => setTimeout(resolve, seconds * 1000))
  for (let i = 0; i < times; i += 100) {
    const clients = Array.from({ length: 100 }, (_, j) => address4(0x5000_0000 + ((i + j) << 8)))
    await Promise.all(clients.map(one => opened.enter({ client: clientKey(one), network: networkKey(one) }, caps)))
  }
  await pause(15)
  const [before, used] = [await countedBy(redis), process.cpuUsage()]
  await pause(15)
  const [after, { user, system }] = [await countedBy(redis), process.cpuUsage(used)]
  const each = (name: keyof typeof before) => (after[name] - before[name]) / 15
  const figures = [
    `${each('calls').toFixed(0)} commands a second`,
    `${each('octetsIn').toFixed(0)} + ${each('octetsOut').toFixed(0)} octets`,
    `${(each('cpu') * 100).toFixed(1)} % of a core of Redis`,
    `${((user + system) / 15 / 1e4).toFixed(1)} % of one of the gate`,
  ]
  return {
    what: `store: places of ${times} clients that stay, each in a network of its own`,
    value: figures.join(', '),
  }
}

async function run(opened: Store, caller: Caller, series: number, count: number): Promise<void> {
  const memory = new Memory(opened)
  let i = 0
  const lane = async () => {
    for (; i < count; ) await visit(opened, memory, caller, (series << 24) + ((i++ * scatter) % caller.among))
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Two looks at the counter that find the same: what nobody waits for has been written. */
async function settled(redis: RedisServer): Promise<void> {
  for (let last = -1; ; ) {
    const { calls } = await countedBy(redis)
    if (calls === last) return
    last = calls
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function visit(opened: Store, memory: Memory, { rate, grey, spam }: Caller, number: number): Promise<void> {
  const client = address4(0x2d00_0000 + number * 7)
  const key = clientKey(client)
  const place = { client: key, network: networkKey(client) }
  void opened.enter(place, caps)
  const session = begun(client)
  const { facts, journal } = session
  const { client: own, network } = await memory.recall(key, client)
  facts.reputes = { client: own, network, identity: null }
  if (rate) await memory.rate(session, key)
  const domain = `sender${number}.example.com`
  facts.reverse = { kind: 'confirmed', name: `mx1.${domain}` }
  await memory.recallIdentity([`name:${domain}`])
  facts.spf = passOf(domain)
  await memory.recallIdentity([`spf:${domain}`])
  facts.greeted = true
  facts.enveloped = true
  judge(facts, session.plan, session.tally)
  if (grey) {
    journal.sender(`someone@${domain}`)
    facts.recipient = {
      path: 'b@example.test',
      domain: 'example.test',
      grey: { tuple: 'b', wait: 'asked', suspicion: '' },
    }
    await memory.greylist(session, key)
  } else {
    noteHeard(session, 'rcpt', { code: 250, text: '250 2.1.5 Ok\r\n' })
    const answer = spam ? { code: 550, text: '550 5.7.1 Spam\r\n' } : { code: 250, text: '250 2.0.0 Ok\r\n' }
    noteHeard(session, 'dot', answer)
  }
  memory.learn(session, key, discretion)
  opened.leave(place)
}

function begun(client: Session['arrival']['client']): Session {
  const about = { id: 'REF', client, clientPort: 4567, proxy: null, server: null, access: 'none', dice: 0.5 } as const
  const rest = { greetWait: 6_000, disarmed: new Set<never>(), health: false, starttls: 'off', tls: null } as const
  return new Session(house, { ...about, ...rest }, new Recorder(), 0)
}
