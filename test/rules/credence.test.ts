import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackendReplies, Credence, Facts, type Instant, type Standing, teachingWords } from '@sallyport/rules'
import fc from 'fast-check'

const minute = 60_000
const hour = 60 * minute

const good: Standing = { score: 0, trust: 6, unknown: 0, accepted: 4 }
const newcomer: Standing = { score: 0, trust: 4.9, unknown: 0, accepted: 400 }

const taken: BackendReplies = { mail: {}, rcpt: { accepted: 1 }, dot: { accepted: 1 } }
const content: BackendReplies = { mail: {}, rcpt: { accepted: 1 }, dot: { content: 1 } }
const policy: BackendReplies = { mail: {}, rcpt: { policy: 1 }, dot: {} }
const unknown: BackendReplies = { mail: {}, rcpt: { 'unknown user': 1 }, dot: {} }

/** The ear of a gate, and a clock that is set. */
class Ear {
  readonly told: string[] = []
  readonly credence = new Credence(({ word, isBelieved }) => this.told.push(`${word}: ${isBelieved}`))
  now: Instant = 0
  private networks = 0

  hears(backend: BackendReplies, standing: Standing | null = good, network = `net ${this.networks++}`): this {
    this.credence.note(Object.assign(new Facts(), { backend, standing }), network, this.now)
    return this
  }

  times(count: number, backend: BackendReplies, standing: Standing | null = good): this {
    for (let i = 0; i < count; i++) this.hears(backend, standing)
    return this
  }

  later(ms: number): this {
    this.now += ms
    return this
  }

  get disbelieved(): readonly string[] {
    return [...this.credence.disbelieved(this.now)]
  }
}

test('where clients with a good name are refused in bulk that word is disbelieved, and only that; it is told once', () => {
  for (const [backend, word] of [
    [content, 'content'],
    [policy, 'policy'],
    [unknown, 'unknown user'],
  ] as const) {
    const ear = new Ear().times(2, backend)
    assert.deepEqual(ear.disbelieved, [])
    ear.hears(backend)
    assert.deepEqual(ear.disbelieved, [word])
    assert.deepEqual(ear.times(20, backend).disbelieved, [word])
    assert.deepEqual(ear.told, [`${word}: false`])
  }
})

test('a day of it, and the night between: nothing is believed until good clients are taken again', () => {
  const ear = new Ear().times(20, taken)
  // Five of the last ten.
  ear.times(4, content)
  assert.deepEqual(ear.disbelieved, [])
  ear.hears(content)
  for (let i = 0; i < 24; i++) assert.deepEqual(ear.later(hour).hears(content).disbelieved, ['content'])
  assert.deepEqual(ear.later(12 * hour).disbelieved, ['content'])
  assert.deepEqual(ear.times(7, taken).disbelieved, ['content'], 'three of ten')
  assert.deepEqual(ear.hears(taken).disbelieved, [])
  assert.deepEqual(ear.told, ['content: false', 'content: true'])
})

test('who has lost its good name by that is heard when it is taken again, and not when it is refused', () => {
  const ear = new Ear()
  for (const network of ['a', 'b', 'c', 'd']) ear.hears(content, good, network)
  for (const network of ['a', 'b', 'c']) ear.hears(taken, newcomer, network)
  assert.deepEqual(ear.hears(taken, newcomer, 'd').disbelieved, [])
  ear.hears(content, good, 'a').hears(content, good, 'b').hears(content, newcomer, 'c').hears(content, newcomer, 'd')
  assert.deepEqual(ear.disbelieved, [])
})

test('after a day in which nobody was refused it is believed again', () => {
  const ear = new Ear().times(3, policy).later(23 * hour)
  assert.deepEqual(ear.disbelieved, ['policy'])
  assert.deepEqual(ear.later(hour).disbelieved, [])
})

test('a wave of spam is believed: strangers, and who has been good for a day only, prove nothing', () => {
  const ear = new Ear().times(500, content, null).times(500, policy, newcomer).times(500, unknown, newcomer)
  assert.deepEqual(ear.disbelieved, [])
})

test('one good network that is refused again and again is one, and what it heard last counts', () => {
  const ear = new Ear()
  for (let i = 0; i < 50; i++) ear.hears(content, good, 'a').hears(content, good, 'b')
  assert.deepEqual(ear.disbelieved, [])
  ear.hears(taken, good, 'a').hears(content, good, 'c')
  assert.deepEqual(ear.disbelieved, [], 'two of three')
})

test('who had one message taken, or one recipient known, was not refused in bulk', () => {
  const mixed: BackendReplies = { mail: {}, rcpt: { accepted: 1, 'unknown user': 5 }, dot: { accepted: 1, content: 3 } }
  assert.deepEqual(new Ear().times(9, mixed).disbelieved, [])
  const none: BackendReplies = { mail: {}, rcpt: { temporary: 1, quota: 2, 'relay denied': 1 }, dot: { temporary: 1 } }
  assert.deepEqual(new Ear().times(9, none).disbelieved, [])
})

test('any story: without three good networks refused within a day everything is believed', () => {
  const networks = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  const step = fc.record({
    network: networks,
    backend: fc.constantFrom(taken, content, policy, unknown),
    isGood: fc.boolean(),
    wait: fc.nat(12 * hour),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), story => {
      const ear = new Ear()
      const refused: { at: number; network: string }[] = []
      for (const { network, backend, isGood, wait } of story) {
        ear.later(wait).hears(backend, isGood ? good : newcomer, network)
        if (isGood && backend !== taken) refused.push({ at: ear.now, network })
        const lately = refused.filter(({ at }) => ear.now - at < 24 * hour)
        if (new Set(lately.map(one => one.network)).size < 3) assert.deepEqual(ear.disbelieved, [])
      }
      for (const word of teachingWords) {
        const told = ear.told.filter(line => line.startsWith(word))
        told.forEach((line, i) => {
          assert.equal(line, `${word}: ${i % 2 === 1}`)
        })
      }
      assert.deepEqual(ear.later(24 * hour).disbelieved, [])
    }),
  )
})
