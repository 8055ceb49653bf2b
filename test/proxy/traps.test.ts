import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Traps } from '@sallyport/proxy/traps.js'
import fc from 'fast-check'
import { runs } from '../support/properties.ts'

/** Traps, and the clients that were let go of, in that order. */
function makeTraps(sessions: number, octets = 3600) {
  const gone: string[] = []
  const traps = new Traps<string>({ sessions, octets }, client => gone.push(client))
  const take = (client: string, suspicion: number, now = 0) => traps.take(client, suspicion, now)
  return { traps, gone, take }
}

describe('the places of the trap', () => {
  it('are given to whoever comes while there are any', () => {
    const { traps, gone, take } = makeTraps(2)
    assert.deepEqual([take('a', 5), take('b', 0), traps.size], [true, true, 2])
    assert.deepEqual(gone, [])
  })

  it('are none where none are configured', () => {
    const { traps, take } = makeTraps(0)
    assert.deepEqual([take('a', 1000), traps.size], [false, 0])
  })

  it('go to the more suspicious: the least suspicious leaves, of several the one that was held longest', () => {
    const { traps, gone, take } = makeTraps(3)
    take('a', 5)
    take('b', 3)
    take('c', 3)
    assert.ok(take('d', 4))
    assert.deepEqual(gone, ['b'])
    assert.ok(take('e', 9))
    assert.deepEqual(gone, ['b', 'c'])
    assert.equal(traps.size, 3)
  })

  it('are not taken from one that is as suspicious', () => {
    const { gone, take } = makeTraps(1)
    take('a', 5)
    assert.deepEqual([take('b', 5), take('c', 4), gone.length], [false, false, 0])
  })

  it('are fewer after a reload: who is held stays, and nobody comes until there is room', () => {
    const { traps, gone, take } = makeTraps(3)
    for (const client of ['a', 'b', 'c']) take(client, 5)
    traps.budget = { sessions: 1, octets: 3600 }
    assert.equal(take('d', 5), false)
    assert.deepEqual([traps.size, gone.length], [3, 0])
    for (const client of ['a', 'b', 'c']) traps.leave(client)
    assert.deepEqual([take('d', 5), take('e', 5), traps.size], [true, false, 1])
  })

  it('may be given back by one that has none', () => {
    const { traps, take } = makeTraps(1)
    traps.leave('nobody')
    take('a', 5)
    traps.leave('a')
    traps.leave('a')
    assert.deepEqual([traps.size, take('b', 0)], [0, true])
  })
})

const hour = 3_600_000

describe('the octets of the trap', () => {
  it('may be used up at once, and then let the least suspicious go, one for each that is too many', () => {
    const { traps, gone, take } = makeTraps(10)
    for (const [client, suspicion] of Object.entries({ a: 5, b: 3, c: 4 })) take(client, suspicion)
    traps.spend(3600, 0)
    assert.deepEqual(gone, [])
    traps.spend(1, 0)
    assert.deepEqual(gone, ['b'])
    traps.spend(2, 0)
    assert.deepEqual(gone, ['b', 'c'])
  })

  it('come back as the hour goes by', () => {
    const { traps, gone, take } = makeTraps(10)
    take('a', 5)
    traps.spend(3600, 0)
    for (let second = 1; second <= 3600; second++) traps.spend(1, second * 1000)
    assert.deepEqual(gone, [])
    traps.spend(3600, 2 * hour)
    assert.deepEqual(gone, [])
    traps.spend(1, 2 * hour)
    assert.deepEqual(gone, ['a'])
  })

  it('that are used up keep out who is no more suspicious than those that are held', () => {
    const { traps, gone, take } = makeTraps(10)
    take('a', 5)
    traps.spend(3601, 0)
    assert.deepEqual(gone, ['a'])
    assert.equal(take('b', 5), false, 'nobody is there who could go for it')
    assert.ok(take('c', 5, 1001))
    traps.spend(2, 1001)
    assert.deepEqual(gone, ['a', 'c'])
  })

  it('go to the more suspicious', () => {
    const { traps, gone, take } = makeTraps(10)
    for (const [client, suspicion] of Object.entries({ a: 5, b: 3, c: 4 })) take(client, suspicion)
    traps.spend(3601, 0)
    assert.deepEqual(gone, ['b'])
    assert.deepEqual([take('d', 4), take('e', 6)], [false, true])
    assert.deepEqual(gone, ['b', 'c'])
  })
})

// Invariant: once the budget is used up, and each client hears an octet a second, as many stay as the budget has octets a second.
it('lets as many stay as the budget bears', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20 }), (bearable, more) => {
      const held = new Set(Array.from({ length: bearable + more }, (_, i) => i))
      const traps = new Traps<number>({ sessions: 100, octets: bearable * 3600 }, leaver => held.delete(leaver))
      for (const client of held) traps.take(client, 1, 0)
      traps.spend(bearable * 3600 - 1, 0)
      for (let second = 1; second < 100; second++) for (const _ of [...held]) traps.spend(1, second * 1000)
      assert.equal(held.size, bearable)
    }),
    runs(200),
  )
})

/** What may happen: a client so suspicious comes, or one of those that are held leaves. */
const happening = fc.oneof(
  { weight: 3, arbitrary: fc.record({ comes: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ leaves: fc.nat(20) }) },
)

// Invariant: never more clients are held than there are places; who is let go is of the least suspicious, and less so than the
// newcomer; who is turned away is no more suspicious than anybody held; and every place is given back.
it('keeps its budget whoever comes and goes', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.array(happening, { maxLength: 60 }), (places, story) => {
      const held = new Map<number, number>()
      const least = () => Math.min(...held.values())
      let gone = 0
      const traps = new Traps<number>({ sessions: places, octets: 1 }, leaver => {
        assert.equal(held.get(leaver), least(), 'it was not the least suspicious')
        held.delete(leaver)
        gone++
      })
      story.forEach((happens, client) => {
        if ('leaves' in happens) {
          const leaver = [...held.keys()][happens.leaves % Math.max(1, held.size)]
          if (leaver === undefined) return
          traps.leave(leaver)
          held.delete(leaver)
        } else {
          const { comes } = happens
          const isFull = held.size === places
          const before = least()
          gone = 0
          const taken = traps.take(client, comes, 0)
          assert.equal(taken, !isFull || before < comes)
          assert.equal(gone, taken && isFull ? 1 : 0)
          if (taken) held.set(client, comes)
        }
        assert.equal(traps.size, held.size)
        assert.ok(traps.size <= places)
      })
      for (const client of held.keys()) traps.leave(client)
      assert.equal(traps.size, 0)
    }),
    runs(500),
  )
})
