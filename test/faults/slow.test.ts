import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { undoAfter } from '../support/owner.ts'
import { type Report, startGauged } from './gauged-gate.ts'
import { until } from './here.ts'
import { type SlowPeer, slowPeers } from './slow-peer.ts'

/** What a session may hold, octets: of the engine's heap and of its buffers, of which nothing is shared with the kernel. */
const mostEach = 262_144
/** As much of that is the session itself with its two sockets, octets. */
const itself = 16_384
/** What the engine lets lie between two collections, or the allocator keeps, however many sessions there are, octets. */
const mostLying = 64e6
const waits = {
  command: 1_000,
  screening: 1_500,
  data: 1_000,
  session: 2_000,
  backendReply: 1_000,
  backendFinal: 1_000,
  proxyHeader: 1_000,
} as const
/** How late a deadline may be noticed, ms: a tick, and a machine that has other things to do. */
const slack = 1_500
/** How much longer than the slowest of an undisturbed run an honest message may take, ms; some fifteen turns of a busy event loop. */
const mostDelay = 5_000

const owner = { after }
const backend = thread('./moody-backend.js', {})
const [port] = (await once(backend, 'message')) as [number]
const gate = await startGauged(
  owner,
  `backend: { address: '127.0.0.1:${port}', auth: always }
greet: { wait: 0s }
trusted_proxies: ['127.0.7.0/24']
access: { allow: ['127.0.0.0/8'] }
limits: { per_client: 1000, commands: 1000000 }`,
  waits,
)
let begun = 0
const honest = thread('./honest-client.js', { port: gate.port })
const spans: number[] = []
honest.on('message', (ms: number) => spans.push(ms))
const undisturbed = await warmed()
const atRest = await quiet()

function thread(file: string, workerData: object): Worker {
  const worker = new Worker(new URL(file, import.meta.url), { workerData })
  undoAfter(owner, async () => {
    await worker.terminate()
  })
  return worker
}

async function peersOf(owner: Parameters<typeof slowPeers>[0], many: number, network?: string): Promise<SlowPeer[]> {
  begun += many
  return slowPeers(owner, gate.port, many, network)
}

/** What the first sessions make the engine keep for good is not to be measured; gives the slowest honest message beside nothing, ms. */
async function warmed(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    const peers = await peersOf(owner, 100)
    await Promise.all(peers.map(peer => recipient(peer, 'good')))
    await Promise.all(peers.map(peer => peer.say('QUIT')))
    for (const { socket } of peers) socket.end()
  }
  const before = spans.length
  await until('ten honest messages', () => spans.length >= before + 10)
  return Math.max(...spans.slice(-10))
}

/** When all slow clients are gone. */
async function quiet(): Promise<Report> {
  for (;;) {
    const report = await gate.report()
    if (report.connections === 0) return report
    await sleep(10)
  }
}

async function recipient(peer: SlowPeer, mood: string): Promise<void> {
  for (const line of ['', `EHLO ${mood}.example.net`, 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.test>']) {
    await peer.say(line)
  }
}

const lines = (text: string) => Buffer.from(text.repeat(Math.ceil(65_536 / text.length)))
const body = Buffer.alloc(65_536, 'a line of some length\r\n')

interface Case {
  readonly name: string
  readonly many: number
  readonly does: (peer: SlowPeer) => Promise<void> | void
}

const cases: readonly Case[] = [
  {
    name: 'clients that say NOOP, EHLO and RSET without an end and do not read',
    many: 100,
    does: peer => peer.pour(lines('NOOP\r\nEHLO client.example.net\r\nRSET\r\n')),
  },
  {
    name: 'clients that ask for HELP and VRFY, 64 KiB each, without an end and do not read',
    many: 40,
    async does(peer) {
      await recipient(peer, 'good')
      peer.pour(lines('HELP\r\nVRFY someone\r\n'))
    },
  },
  {
    name: 'messages of 20 MB by DATA to a backend that does not read',
    many: 100,
    async does(peer) {
      await recipient(peer, 'deaf')
      await peer.say('DATA')
      peer.pour(body, 20e6)
    },
  },
  {
    name: 'messages of 20 MB by BDAT to a backend that does not read',
    many: 100,
    async does(peer) {
      await recipient(peer, 'deaf')
      peer.socket.write('BDAT 999999999999999\r\n')
      peer.pour(body, 20e6)
    },
  },
  ...(['endless', 'garbage', 'flood', 'drip'] as const).map(mood => ({
    name: `a backend whose reply is ${mood}, and clients that do not read`,
    many: 200,
    async does(peer: SlowPeer) {
      await recipient(peer, mood)
      peer.pour(lines('HELP\r\n'))
    },
  })),
]

/** Watches until no session is left that has not ended; gives the most of each figure, and of what each session holds. */
async function watch(base: Report, many: number, isBegun: () => boolean): Promise<[Report, number]> {
  let most = await gate.report()
  let each = 0
  for (let report = most; !isBegun() || report.sessions > 0; report = await gate.report()) {
    const larger = Object.entries(report).map(([key, value]) => {
      const before = most[key as keyof Report]
      return [key, typeof value === 'number' && typeof before === 'number' ? Math.max(value, before) : value]
    })
    most = Object.fromEntries(larger) as Report
    assert.equal(report.boundless, 0, 'sessions without a deadline')
    assert.ok(report.oldest < waits.session + slack, `a session of ${report.oldest} ms`)
    // Of a few that are left the engine's own noise would be the most.
    if (report.sessions >= many / 2) each = Math.max(each, (report.held - base.held) / report.sessions)
    await sleep(50)
  }
  return [most, each]
}

const kib = (octets: number) => `${Math.round(octets / 1024)} KiB`

for (const { name, many, does } of cases) {
  test(name, async t => {
    const base = await quiet()
    const before = spans.length
    const peers = await peersOf(t, many)
    let isBegun = false
    const doing = Promise.allSettled(peers.map(does)).then(() => {
      isBegun = true
    })
    const [most, each] = await watch(base, many, () => isBegun)
    await doing
    for (const { socket } of peers) socket.destroy()
    await quiet()
    const slowest = Math.max(...spans.slice(before))
    t.diagnostic(
      `${many} sessions, each holds ${kib(each)} (resident ${kib((most.resident - base.resident) / many)}): ` +
        `at most ${kib(most.together)} in buffers (unread ${kib(most.unread)}, in paused sockets ${kib(most.paused)}, to the client ${kib(most.toClient)}, to the backend ${kib(most.toBackend)}); ` +
        `the oldest ${most.oldest} ms; honest messages ${spans.length - before}, the slowest ${Math.round(slowest)} ms (${Math.round(undisturbed)} ms beside nothing)`,
    )
    assert.ok(each <= mostEach, `${kib(each)} each`)
    assert.ok(most.together <= mostEach - itself, `${kib(most.together)} in the buffers of one session`)
    assert.ok(most.resident - base.resident <= many * mostEach + mostLying)
    assert.ok(!spans.includes(-1), 'an honest message was not accepted')
    assert.ok(spans.length > before, 'no honest message came through')
    assert.ok(slowest <= undisturbed + mostDelay, `an honest message took ${slowest} ms`)
  })
}

/** What an octet now and then is part of, from when the time for it counts, and how long that is, ms. */
const drips: readonly (readonly [name: string, wait: number, said: readonly string[], drips: string])[] = [
  ['a command', waits.command, [], 'NOOP x'],
  ['a message', waits.session, ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.test>', 'DATA'], 'x'],
  ['a chunk', waits.session, ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.test>'], 'BDAT 9999\r\nx'],
  ['an answer of AUTH', waits.command, ['AUTH LOGIN'], 'eA'],
]

test('clients that say an octet now and then are let go when the time for the whole is over', async t => {
  const before = spans.length
  const one = async (peer: SlowPeer, wait: number, said: readonly string[], octets: string): Promise<void> => {
    let from = performance.now()
    await peer.say('')
    for (const line of ['EHLO good.example.net', ...said]) await peer.say(line)
    if (wait !== waits.session) from = performance.now()
    peer.said = ''
    const [first, rest] = octets.split('\n', 2)
    if (rest !== undefined) peer.socket.write(`${first}\n`)
    await peer.drip(rest ?? octets, 100)
    const took = peer.endedAt - from
    assert.ok(took > wait - 200 && took < wait + slack, `${octets}: after ${took} ms`)
    assert.match(peer.said, /^421 4\.4\.2 /)
  }
  const jobs = drips.map(async ([, wait, said, octets]) => {
    const peers = await peersOf(t, 40)
    await Promise.all(peers.map(peer => one(peer, wait, said, octets)))
  })
  const proxies = await slowPeers(t, gate.port, 40, '127.0.7')
  const from = performance.now()
  await Promise.all(proxies.map(peer => peer.drip('PROXY TCP4 192.0.2.7 192.0.2.25 40001 25', 100)))
  for (const { endedAt, said } of proxies) {
    assert.ok(endedAt - from > waits.proxyHeader - 200 && endedAt - from < waits.proxyHeader + slack)
    assert.match(said, /^421 4\.3\.2 /)
  }
  await Promise.all(jobs)
  await quiet()
  assert.ok(!spans.includes(-1), 'an honest message was not accepted')
  assert.ok(Math.max(...spans.slice(before)) <= undisturbed + mostDelay)
})

test('after all of them the gate holds what it held before, and has counted every session', async t => {
  await honest.terminate()
  const end = await quiet()
  const { endings } = end
  t.diagnostic(
    `${JSON.stringify(endings)}; holds ${kib(end.held - atRest.held)} more, resident ${kib(end.resident - atRest.resident)} more`,
  )
  assert.deepEqual([end.counted, end.deadlines, end.timers, end.faults], [0, 0, atRest.timers, 0])
  assert.ok(end.descriptors <= atRest.descriptors, `${end.descriptors} descriptors`)
  assert.ok(end.held - atRest.held < 2e6, `${end.held - atRest.held} octets more`)
  assert.ok(end.resident - atRest.resident < mostLying, `${end.resident - atRest.resident} octets more`)
  const sessions = Object.values(endings).reduce((sum, count) => sum + count)
  // The last honest one may have been cut.
  assert.ok(
    sessions - begun - spans.length <= 1 && sessions >= begun + spans.length,
    `${sessions}: ${begun}, ${spans.length}`,
  )
})
