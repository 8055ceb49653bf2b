import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Memory } from '@sallyport/proxy/memory.js'
import { noteHeard } from '@sallyport/proxy/session/heard.js'
import { noteSender } from '@sallyport/proxy/session/sender.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { MemoryStore } from '@sallyport/proxy/store/memory.js'
import { NetworkSet } from '@sallyport/rules'
import { addressOf } from '../support/address.ts'
import { makeHouse } from '../support/house.ts'
import { Recorder } from '../support/recorder.ts'

const house = makeHouse({
  asks: ['rate'],
  policy: { checks: { rate: { action: 'defer', options: { address: 2, network: 4, all: 5, period: 60 } } } },
})

const log = { info() {}, warn() {}, error() {} }

const sessionOf = (client: string): Session => {
  const about = {
    clientPort: 4567,
    server: null,
    greetWait: 0,
    dice: 0.5,
    proxy: null,
    health: false,
    tls: null,
  } as const
  const arrival = {
    id: 'REF',
    client: addressOf(client),
    access: 'none',
    starttls: 'off',
    disarmed: new Set<never>(),
  } as const
  return new Session(house, { ...about, ...arrival }, new Recorder(), 0)
}

test('who hammers alone is kept out alone: its neighbours, and everybody else, are let in', async () => {
  const memory = new Memory(new MemoryStore({ kind: 'memory', file: null, clients: 100 }, log, () => 1_000))
  const come = (client: string) => memory.rate(sessionOf(client), client)
  const said: (string | null)[] = []
  for (let i = 0; i < 20; i++) said.push(await come('192.0.2.1'))
  assert.deepEqual(said.slice(0, 3), [null, null, '2 of address in 60 s'])
  assert.equal(await come('192.0.2.2'), null)
  assert.equal(await come('192.0.2.3'), null)
  assert.equal(await come('192.0.2.4'), '4 of network in 60 s')
  assert.equal(await come('198.51.100.1'), null)
  assert.equal(await come('203.0.113.1'), '5 of all in 60 s')
})

test('a message that is refused for its content counts against the name of its sender, whoever writes behind it', async () => {
  const store = new MemoryStore({ kind: 'memory', file: null, clients: 100 }, log, () => 1_000)
  const session = sessionOf('192.0.2.1')
  noteSender(session, 'a@example.org')
  session.facts.spf = {
    result: 'pass',
    domain: 'example.org',
    identity: 'mailfrom',
    mechanism: 'mx',
    problem: null,
    explanation: null,
  }
  noteHeard(session, 'dot', { code: 550, text: '550 5.7.1 Spam message rejected\r\n' })
  noteSender(session, 'b@example.net')
  const discretion = { learnPrivate: true, proxies: NetworkSet.of([]), disbelieved: new Set<never>() }
  new Memory(store).learn(session, '192.0.2.1', discretion)
  assert.ok(((await store.recall('spf:example.org')).repute?.score ?? 0) > 0)
  assert.equal((await store.recall('spf:example.net')).repute, null)
})
