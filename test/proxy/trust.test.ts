import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Memory } from '@sallyport/proxy/memory.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { MemoryStore } from '@sallyport/proxy/store/memory/memory.js'
import { clientKey, isEstablished, NetworkSet, standingOf } from '@sallyport/rules'
import { arrivalOf } from '../support/arrival.ts'
import { makeHouse } from '../support/house.ts'
import { Recorder } from '../support/recorder.ts'

const house = makeHouse({})
const log = { info() {}, warn() {}, error() {} }
const hour = 3600
const day = 24 * hour

/** What one gate, or several with one store, remember; the time is set. */
class Gate {
  now = 1_000_000_000
  private readonly store = new MemoryStore({ kind: 'memory', file: null, clients: 1000 }, log, () => this.now)
  private readonly gates = [new Memory(this.store), new Memory(this.store)]

  /** A session whose mail the backend took has ended. */
  private learn(client: string, gate: number, named: string | null): void {
    const session = new Session(house, arrivalOf(client), new Recorder(), 0)
    session.facts.backend = { mail: {}, rcpt: { accepted: 4 }, dot: { accepted: 4 } }
    if (named !== null) session.facts.reverse = { kind: 'confirmed', name: named }
    const discretion = { learnPrivate: false, proxies: NetworkSet.of([]), disbelieved: new Set<never>() }
    this.gates[gate]?.learn(session, clientKey(session.arrival.client), discretion)
  }

  async comes(client: string, times = 1, named: string | null = null): Promise<void> {
    for (let i = 0; i < times; i++) this.learn(client, i % 2, named)
    await new Promise(resolve => setImmediate(resolve))
  }

  async standing(client: string, identity: string | null = null) {
    const own = (await this.store.recall(client)).repute
    const name = identity === null ? null : (await this.store.recall(identity)).repute
    return standingOf({ client: own, network: null, identity: name })
  }
}

test('nobody buys trust within a day: neither by many sessions, nor at two gates, nor with many addresses of one name', async () => {
  const gate = new Gate()
  for (let minute = 0; minute < 60; minute++) {
    await gate.comes('198.51.100.7', 20)
    await gate.comes(`203.0.113.${minute}`, 2, 'mail.shoes.example.net')
    gate.now += 60
  }
  assert.equal(Math.round((await gate.standing('198.51.100.7')).trust), 4)
  assert.equal(Math.round((await gate.standing('203.0.113.99', 'name:shoes.example.net')).trust), 4)
  for (let hours = 1; hours < 39; hours++) {
    gate.now += hour
    await gate.comes('198.51.100.7', 20)
    await gate.comes('203.0.113.9', 20, 'mail.shoes.example.net')
  }
  assert.ok((await gate.standing('198.51.100.7')).trust < 10)
  assert.ok((await gate.standing('203.0.113.99', 'name:shoes.example.net')).trust < 10)
})

/** On which day a client that writes every so many days is first good, and first trusted, when it comes; null: not within a year. */
async function daysUntil(every: number): Promise<readonly (number | null)[]> {
  const gate = new Gate()
  let established: number | null = null
  for (let days = 0; days < 365; days += every) {
    const standing = await gate.standing('198.51.100.7')
    if (isEstablished(standing)) established ??= days
    if (standing.trust >= 10) return [established, days]
    await gate.comes('198.51.100.7')
    gate.now += every * day
  }
  return [established, null]
}

test('an honest small sender has it within some days, by one message each time', async () => {
  assert.deepEqual(await daysUntil(1), [2, 4])
  assert.deepEqual(await daysUntil(2), [4, 10])
  assert.deepEqual((await daysUntil(5))[1], null)
  assert.ok(((await daysUntil(5))[0] ?? 999) < 30)
  assert.deepEqual(await daysUntil(7), [null, null])
})
