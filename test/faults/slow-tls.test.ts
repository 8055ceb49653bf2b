import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { certificatesKey } from '../support/authority.ts'
import { makeCertificate } from '../support/certificate.ts'
import { mostEach } from './measure.ts'
import { type Case, kib, lines, recipient, Siege, slack, startThread, waits } from './siege.ts'
import type { SlowPeer } from './slow-peer.ts'

const owner = { after }
const { cert, key, certFile, keyFile } = await makeCertificate(owner, ['mx.example.test'])
const [, plain] = await startThread<number>(owner, './moody-backend.js', {})
const [, secure] = await startThread<number>(owner, './moody-backend.js', { certificate: { cert, key } })
const ports = { starttls: 0, implicit: 1, passThrough: 2 } as const
const siege = await Siege.lay(
  owner,
  `${certificatesKey({ cert: certFile, key: keyFile })}
backend: 127.0.0.1:${plain}
routes: [{ domains: [tls.example.test], backend: { address: '127.0.0.1:${secure}', tls: opportunistic } }]
greet: { wait: 0s }
access: { allow: ['127.0.0.0/8'] }
limits: { per_client: 1000, commands: 1000000 }`,
  ['starttls', 'implicit', 'pass_through'],
)
const atRest = await siege.quiet()
const body = Buffer.alloc(65_536, 'a line of some length\r\n')
const noise = Buffer.alloc(65_536, 0x17)

async function starttls(peer: SlowPeer, mood: string): Promise<void> {
  for (const line of ['', `EHLO ${mood}.example.net`]) await peer.say(line)
  await peer.say('STARTTLS')
}

async function message(peer: SlowPeer, domain?: string): Promise<void> {
  await recipient(peer, 'deaf', domain)
  await peer.say('DATA')
}

const pour = (peer: SlowPeer) => peer.pour(body, 20e6)

const cases: readonly Case[] = [
  {
    name: 'TLS passed through: a client that pours and does not read, a backend that does not read',
    many: 12,
    port: ports.passThrough,
    begins: peer => starttls(peer, 'deaf'),
    does: peer => peer.pour(noise),
  },
  {
    name: 'TLS passed through: a backend that pours, a client that does not read',
    many: 12,
    port: ports.passThrough,
    begins: peer => starttls(peer, 'gush'),
    does: ({ socket }) => void socket.pause(),
  },
  {
    name: 'TLS passed through: both pour and neither reads',
    many: 12,
    port: ports.passThrough,
    begins: peer => starttls(peer, 'jam'),
    does: peer => peer.pour(noise),
  },
  {
    name: 'TLS from the first octet: messages of 20 MB to a backend that does not read',
    many: 10,
    sealed: ['client'],
    port: ports.implicit,
    async begins(peer) {
      await peer.secure()
      await message(peer)
    },
    does: pour,
  },
  {
    name: 'TLS by STARTTLS: clients that say NOOP, EHLO and RSET without an end and do not read',
    many: 10,
    sealed: ['client'],
    async begins(peer) {
      await starttls(peer, 'good')
      await peer.secure()
    },
    does: peer => peer.pour(lines('NOOP\r\nEHLO client.example.net\r\nRSET\r\n')),
  },
  {
    name: 'TLS to the backend: messages of 20 MB that it does not read',
    many: 10,
    sealed: ['backend'],
    begins: peer => message(peer, 'tls.example.test'),
    does: pour,
  },
  {
    name: 'TLS on both sides: messages of 20 MB that the backend does not read',
    many: 10,
    sealed: ['client', 'backend'],
    port: ports.implicit,
    async begins(peer) {
      await peer.secure()
      await message(peer, 'tls.example.test')
    },
    does: pour,
  },
]

for (const one of cases) test(one.name, t => siege.measure(t, one))

/** The beginning of a ClientHello that says of itself that it has 508 octets. */
const clientHello = '\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03'

test('clients that begin a handshake and say no more, or an octet now and then, are let go without a word', async t => {
  const base = await siege.quiet()
  const before = siege.spans.length
  const silent = await siege.peers(t, 15, ports.implicit)
  const slow = await siege.peers(t, 15, ports.implicit)
  const late = await siege.peers(t, 15, ports.starttls)
  const begun = performance.now()
  await Promise.all(late.map(peer => starttls(peer, 'good')))
  const heard = late.map(peer => {
    peer.said = ''
    peer.socket.write(clientHello)
    return peer
  })
  for (const { socket } of silent) socket.write(clientHello)
  const drips = slow.map(peer => peer.drip(clientHello.padEnd(500, 'x'), 10))
  await sleep(waits.tlsHandshake / 2)
  const during = await siege.gate.report()
  const each = (during.held - base.held) / during.connections
  t.diagnostic(`${during.connections} connections in their handshake, each holds ${kib(each)}`)
  assert.ok(during.connections >= 45)
  assert.ok(each <= mostEach, `${kib(each)} each`)
  await Promise.all(drips)
  const robbed = (await siege.quiet()).robbed - base.robbed
  for (const { endedAt, said } of [...silent, ...slow, ...heard]) {
    const took = endedAt - begun
    assert.ok(took > waits.tlsHandshake - 400 && took < waits.tlsHandshake + slack + robbed, `after ${took} ms`)
    assert.equal(said, '')
  }
  await siege.judgeHonest(t, before, base)
})

test('after all of them the gate holds what it held before', async t => {
  const end = await siege.lift()
  t.diagnostic(`holds ${kib(end.held - atRest.held)} more`)
  assert.deepEqual([end.counted, end.deadlines, end.timers, end.faults], [0, 0, atRest.timers, 0])
  assert.ok(end.descriptors <= atRest.descriptors, `${end.descriptors} descriptors`)
  assert.ok(end.held - atRest.held < 2e6, `${end.held - atRest.held} octets more`)
})
