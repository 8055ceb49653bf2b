import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Records } from '@sallyport/proxy/store/memory/records.js'
import fc from 'fast-check'

const names = ['pregreet', 'dnsbl', 'pipelining'] as const
const ttls = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: -1, max: 50 }), { noNullPrototype: true })
const client = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::/64')
const action = fc.oneof(
  fc.record({ do: fc.constant('remember' as const), client, passed: ttls, failed: ttls }),
  fc.record({ do: fc.constant('recall' as const), client }),
  fc.record({ do: fc.constant('forget' as const), client }),
  fc.record({ do: fc.constant('advance' as const), seconds: fc.integer({ min: 1, max: 30 }) }),
)

/** The naive model: a list of facts, each with its end; nothing is ever moved or cached. */
class Model {
  facts: { client: string; kind: 'passed' | 'failed'; name: string; until: number }[] = []

  remember(client: string, passed: Record<string, number>, failed: Record<string, number>, now: number): void {
    for (const [name, ttl] of Object.entries(failed)) {
      if (ttl < 1) continue
      this.facts = this.facts.filter(f => !(f.client === client && f.kind === 'passed' && f.name === name))
      this.facts.push({ client, kind: 'failed', name, until: now + ttl })
    }
    for (const [name, ttl] of Object.entries(passed)) {
      if (ttl < 1 || (failed[name] ?? 0) >= 1) continue
      this.facts.push({ client, kind: 'passed', name, until: now + ttl })
    }
  }

  recall(client: string, kind: 'passed' | 'failed', now: number): string[] {
    const live = this.facts.filter(f => f.client === client && f.kind === kind && f.until > now)
    return [...new Set(live.map(f => f.name))].sort()
  }
}

describe('the table of clients', () => {
  it('says what a naive list of facts says', () => {
    // After any sequence of lessons, recalls, forgetting and passing time, each recall gives what the model gives.
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), actions => {
        const records = new Records(100)
        const model = new Model()
        let now = 1_790_000_000
        for (const step of actions) {
          switch (step.do) {
            case 'remember':
              records.remember(step.client, step, now)
              model.remember(step.client, step.passed, step.failed, now)
              break
            case 'recall': {
              const record = records.recall(step.client, now)
              assert.deepEqual([...record.passed].sort(), model.recall(step.client, 'passed', now))
              assert.deepEqual([...record.failed].sort(), model.recall(step.client, 'failed', now))
              break
            }
            case 'forget':
              records.forget(step.client)
              model.facts = model.facts.filter(f => f.client !== step.client)
              break
            case 'advance':
              now += step.seconds
              break
            default:
              step satisfies never
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('gives out a lesson that teaches another table the same', () => {
    // Taking a client out of one table and teaching it to an empty one, or replacing what that one knew, loses nothing.
    fc.assert(
      fc.property(fc.array(fc.record({ passed: ttls, failed: ttls }), { maxLength: 5 }), ttls, (lessons, known) => {
        const [one, same, other] = [new Records(9), new Records(9), new Records(9)]
        for (const lesson of lessons) {
          one.remember('a', lesson, 1000)
          same.remember('a', lesson, 1000)
        }
        other.remember('a', { passed: known, failed: known }, 1000)
        other.replace('a', one.take('a', 1020) ?? { passed: {}, failed: {} }, 1020)
        assert.equal(one.size, 0)
        for (const now of [1020, 1025, 1035, 1049, 1050]) {
          const [expected, found] = [same.entry('a', now), other.entry('a', now)]
          assert.deepEqual(found, expected)
        }
      }),
    )
  })

  it('drops a client when its last name has expired and it is met', () => {
    const records = new Records(10)
    records.remember('192.0.2.1', { passed: { pregreet: 10 }, failed: { dnsbl: 20 } }, 1000)
    assert.deepEqual(records.recall('192.0.2.1', 1015), { passed: [], failed: ['dnsbl'], repute: null })
    assert.equal(records.size, 1)
    assert.deepEqual(records.recall('192.0.2.1', 1020), { passed: [], failed: [], repute: null })
    assert.equal(records.size, 0)
  })

  it('pushes out the client that was met least recently', () => {
    const records = new Records(3)
    for (const name of ['a', 'b', 'c']) records.remember(name, { passed: { pregreet: 100 }, failed: {} }, 1000)
    records.recall('a', 1000)
    records.remember('d', { passed: { pregreet: 100 }, failed: {} }, 1000)
    assert.deepEqual(records.clients(), ['c', 'a', 'd'])
  })

  it('never holds more than its capacity', () => {
    // Whatever comes, no more clients than the capacity are held, and the one met last is among them.
    const lesson = fc.record({ client: fc.nat(30), passed: fc.boolean() })
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 12 }), fc.array(lesson, { maxLength: 100 }), (capacity, lessons) => {
        const records = new Records(capacity)
        for (const { client, passed } of lessons) {
          const taught = { pregreet: 100 }
          records.remember(`${client}`, passed ? { passed: taught, failed: {} } : { passed: {}, failed: taught }, 1000)
          assert.ok(records.size <= capacity)
          assert.ok(records.has(`${client}`))
        }
      }),
    )
  })

  it('does not forget the clients that passed for any number that only failed', () => {
    const records = new Records(100)
    for (let i = 0; i < 75; i++) records.remember(`good ${i}`, { passed: { pregreet: 100 }, failed: {} }, 1000)
    for (let i = 0; i < 1000; i++) records.remember(`bad ${i}`, { passed: {}, failed: { pregreet: 100 } }, 1000)
    assert.equal(records.size, 100)
    for (let i = 0; i < 75; i++) assert.deepEqual(records.recall(`good ${i}`, 1000).passed, ['pregreet'])
    assert.deepEqual(records.recall('bad 999', 1000).failed, ['pregreet'])
  })

  it('keeps a quarter for the clients that only failed', () => {
    const records = new Records(100)
    for (let i = 0; i < 25; i++) records.remember(`bad ${i}`, { passed: {}, failed: { pregreet: 100 } }, 1000)
    for (let i = 0; i < 1000; i++) records.remember(`good ${i}`, { passed: { pregreet: 100 }, failed: {} }, 1000)
    for (let i = 0; i < 25; i++) assert.deepEqual(records.recall(`bad ${i}`, 1000).failed, ['pregreet'])
  })
})
