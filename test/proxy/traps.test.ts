import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Traps } from '@sallyport/proxy/traps.js'
import fc from 'fast-check'
import { runs } from '../support/properties.ts'

/** Traps, and the clients that were let go of, in that order. */
function makeTraps(places: number) {
  const gone: string[] = []
  const traps = new Traps<string>(places, client => gone.push(client))
  const take = (client: string, suspicion: number) => traps.take(client, suspicion)
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
    traps.places = 1
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
      const traps = new Traps<number>(places, leaver => {
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
          const taken = traps.take(client, comes)
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
