import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Case, kib, lines, mostLying, recipient, Siege, slack, startThread, waits } from './siege.ts'
import type { SlowPeer } from './slow-peer.ts'

const owner = { after }
const [, port] = await startThread<number>(owner, './moody-backend.js', {})
const siege = await Siege.lay(
  owner,
  `backend: { address: '127.0.0.1:${port}', auth: always }
greet: { wait: 0s }
trusted_proxies: ['127.0.7.0/24']
access: { allow: ['127.0.0.0/8'] }
limits: { per_client: 1000, commands: 1000000 }`,
)
const atRest = await siege.quiet()
const body = Buffer.alloc(65_536, 'a line of some length\r\n')

async function hello(peer: SlowPeer, mood: string): Promise<void> {
  for (const line of ['', `EHLO ${mood}.example.net`]) await peer.say(line)
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
    begins: peer => recipient(peer, 'good'),
    does: peer => peer.pour(lines('HELP\r\nVRFY someone\r\n')),
  },
  {
    name: 'messages of 20 MB by DATA to a backend that does not read',
    many: 50,
    async begins(peer) {
      await recipient(peer, 'deaf')
      await peer.say('DATA')
    },
    does: peer => peer.pour(body, 20e6),
  },
  {
    name: 'messages of 20 MB by BDAT to a backend that does not read',
    many: 50,
    begins: peer => recipient(peer, 'deaf'),
    does(peer) {
      peer.socket.write('BDAT 999999999999999\r\n')
      peer.pour(body, 20e6)
    },
  },
  ...(['endless', 'garbage', 'flood', 'drip'] as const).map(mood => ({
    name: `a backend whose reply is ${mood}, and clients that do not read`,
    many: 200,
    begins: (peer: SlowPeer) => recipient(peer, mood),
    does: (peer: SlowPeer) => peer.pour(lines('HELP\r\n')),
  })),
  {
    name: 'a backend that answers AUTH with 334 without an end, and clients that do not read',
    many: 40,
    begins: peer => hello(peer, 'riddle'),
    does: peer => peer.pour(lines('AUTH LOGIN\r\n')),
  },
  {
    name: 'clients whose answers to AUTH have no end, and a backend that answers each with 334',
    many: 40,
    async begins(peer) {
      await hello(peer, 'sphinx')
      await peer.say('AUTH LOGIN')
    },
    does: peer => peer.pour(lines('eA==\r\n')),
  },
  {
    name: 'clients whose answer to AUTH is a line without an end',
    many: 40,
    async begins(peer) {
      await hello(peer, 'good')
      await peer.say('AUTH LOGIN')
    },
    does: peer => peer.pour(lines('eA')),
  },
]

for (const one of cases) test(one.name, t => siege.measure(t, one))

/** What an octet now and then is part of, from when the time for it counts, and how long that is, ms. */
const drips: readonly (readonly [name: string, wait: number, said: readonly string[], drips: string])[] = [
  ['a command', waits.command, [], 'NOOP x'],
  ['a message', waits.session, ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.test>', 'DATA'], 'x'],
  ['a chunk', waits.session, ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.test>'], 'BDAT 9999\r\nx'],
  ['an answer of AUTH', waits.command, ['AUTH LOGIN'], 'eA'],
]

test('clients that say an octet now and then are let go when the time for the whole is over', async t => {
  const base = await siege.quiet()
  const before = siege.spans.length
  const courses: (readonly [octets: string, wait: number, took: number])[] = []
  const one = async (peer: SlowPeer, wait: number, said: readonly string[], octets: string): Promise<void> => {
    let from = performance.now()
    await peer.say('')
    for (const line of ['EHLO good.example.net', ...said]) await peer.say(line)
    if (wait !== waits.session) from = performance.now()
    peer.said = ''
    const [first, rest] = octets.split('\n', 2)
    if (rest !== undefined) peer.socket.write(`${first}\n`)
    await peer.drip(rest ?? octets, 100)
    courses.push([octets, wait, peer.endedAt - from])
    assert.match(peer.said, /^421 4\.4\.2 /)
  }
  const jobs = drips.map(async ([, wait, said, octets]) => {
    const peers = await siege.peers(t, 40)
    await Promise.all(peers.map(peer => one(peer, wait, said, octets)))
  })
  const proxies = await siege.peers(t, 40, 0, '127.0.7')
  const from = performance.now()
  await Promise.all(proxies.map(peer => peer.drip('PROXY TCP4 192.0.2.7 192.0.2.25 40001 25', 100)))
  for (const { endedAt, said } of proxies) {
    courses.push(['PROXY', waits.proxyHeader, endedAt - from])
    assert.match(said, /^421 4\.3\.2 /)
  }
  await Promise.all(jobs)
  const robbed = (await siege.quiet()).robbed - base.robbed
  for (const [octets, wait, took] of courses)
    assert.ok(took > wait - 200 && took < wait + slack + robbed, `${octets}: after ${took} ms`)
  await siege.judgeHonest(t, before, base)
})

test('after all of them the gate holds what it held before, and has counted every session', async t => {
  const end = await siege.lift()
  const { endings } = end
  const { spans } = siege
  // Whoever came as a proxy had no session.
  const begun = siege.begun - 40
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
