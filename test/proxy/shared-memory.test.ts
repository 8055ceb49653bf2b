import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Memory } from '@sallyport/proxy/memory.js'
import { noteHeard } from '@sallyport/proxy/session/heard.js'
import { noteSender } from '@sallyport/proxy/session/sender.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { MemoryStore } from '@sallyport/proxy/store/memory/memory.js'
import { NetworkSet, networkOf } from '@sallyport/rules'
import { addressOf } from '../support/address.ts'
import { arrivalOf } from '../support/arrival.ts'
import { makeHouse } from '../support/house.ts'
import { Recorder } from '../support/recorder.ts'

const house = makeHouse({
  asks: ['rate', 'greylist'],
  policy: { checks: { rate: { action: 'defer', options: { address: 2, network: 4, all: 5, period: 60 } } } },
})

const log = { info() {}, warn() {}, error() {} }

const sessionOf = (client: string): Session => new Session(house, arrivalOf(client), new Recorder(), 0)

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

test('a trusted proxy gains no name, good or bad', async () => {
  const proxies = NetworkSet.of([networkOf(addressOf('198.51.100.0'), 24)])
  for (const [code, text] of [
    [550, '550 5.7.1 Spam message rejected\r\n'],
    [250, '250 2.0.0 Ok\r\n'],
  ] as const) {
    for (const [address, isKnown] of [
      ['198.51.100.1', false],
      ['203.0.113.1', true],
    ] as const) {
      const store = new MemoryStore({ kind: 'memory', file: null, clients: 100 }, log, () => 1_000)
      const session = sessionOf(address)
      noteHeard(session, 'dot', { code, text })
      new Memory(store).learn(session, address, { learnPrivate: false, proxies, disbelieved: new Set() })
      assert.equal((await store.recall(address)).repute !== null, isKnown, `${address}: ${text}`)
      if (!isKnown) assert.equal(store.health.clients, 0)
    }
  }
})

/** A store whose clock is set, and a suspect that asks for one recipient. */
function greylisting() {
  const clock = { seconds: 1_000 }
  const store = new MemoryStore({ kind: 'memory', file: null, clients: 100 }, log, () => clock.seconds)
  const memory = new Memory(store)
  const ask = async (client: string, name: string | null, from: string, to: string) => {
    const session = sessionOf(client)
    session.journal.sender(from)
    session.facts.reverse = name === null ? { kind: 'none' } : { kind: 'confirmed', name }
    session.facts.recipient = {
      path: to,
      domain: 'example.test',
      grey: { tuple: 'whose answer it is', wait: 'asked', suspicion: 'spf' },
    }
    return (await memory.greylist(session, client))?.wait
  }
  return { clock, store, memory, ask }
}

test('who has come again is never asked to for another sender and recipient, from none of the addresses of its name', async () => {
  const { clock, ask } = greylisting()
  assert.equal(await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'b@example.test'), 300)
  // Not this one's.
  assert.equal(await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'c@example.test'), 300)
  clock.seconds += 300
  // From another server of its.
  assert.equal(await ask('198.51.100.7', 'mx2.example.net', 'a@example.org', 'b@example.test'), 0)
  assert.equal(await ask('198.51.100.7', null, 'd@example.com', 'e@example.test'), 0, 'known by its address')
  assert.equal(await ask('203.0.113.9', 'mx3.example.net', 'f@example.com', 'g@example.test'), 0, 'known by its name')
  // A neighbour is neither.
  assert.equal(await ask('198.51.100.8', 'bot.example', 'h@example.com', 'i@example.test'), 300)
  assert.equal(await ask('198.51.100.8', null, 'h@example.com', 'j@example.test'), 300)
})

test('what stands for an address shows nothing of the address: it does not take another name along', async () => {
  const { clock, ask } = greylisting()
  await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'b@example.test')
  clock.seconds += 300
  assert.equal(await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'b@example.test'), 0)
  assert.equal(await ask('198.51.100.7', 'mx2.example.net', 'c@example.org', 'd@example.test'), 0)
  assert.equal(await ask('198.51.100.7', 'mx.example.com', 'c@example.org', 'e@example.test'), 300)
})

test('a name that the DNS does not tell the second time makes nobody a stranger; where there is none the network has come again', async () => {
  const { clock, ask } = greylisting()
  await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'b@example.test')
  await ask('198.51.100.7', null, 'a@example.org', 'b@example.test')
  clock.seconds += 300
  assert.equal(await ask('192.0.2.1', null, 'a@example.org', 'b@example.test'), 0)
  assert.equal(await ask('198.51.100.8', null, 'a@example.org', 'b@example.test'), 0)
  assert.equal(await ask('198.51.100.9', null, 'c@example.org', 'd@example.test'), 0)
})

test('that it comes again holds from each mail that is taken anew', async () => {
  const { clock, store, memory, ask } = greylisting()
  const day = 86_400
  await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'b@example.test')
  clock.seconds += 300
  await ask('192.0.2.1', 'mx1.example.net', 'a@example.org', 'b@example.test')
  clock.seconds += 35 * day
  const session = sessionOf('192.0.2.1')
  session.tally.recall(session.plan, ['greylist'], [])
  session.journal.accepted = 1
  memory.learn(session, '192.0.2.1', { learnPrivate: false, proxies: NetworkSet.of([]), disbelieved: new Set() })
  clock.seconds += 35 * day
  assert.deepEqual((await store.recall('192.0.2.1')).passed, ['greylist'])
  assert.equal(await ask('192.0.2.1', null, 'c@example.org', 'd@example.test'), 0)
  clock.seconds += 37 * day
  assert.equal(await ask('192.0.2.1', null, 'c@example.org', 'e@example.test'), 300)
})
