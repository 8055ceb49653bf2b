import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  faded,
  lifeOf,
  type Repute,
  type Reputes,
  scoreBounds,
  standingOf,
  together,
  usualFading,
} from '@sallyport/rules'
import fc from 'fast-check'

const repute = (score: number, accepted = 0, content = 0, unknown = 0): Repute => ({
  score,
  accepted,
  content,
  unknown,
})
const count = fc.integer({ min: 0, max: 200 })
const anyRepute = fc
  .tuple(fc.integer({ min: scoreBounds.least, max: scoreBounds.most }), count, count, count)
  .map(numbers => repute(...numbers))
const seconds = fc.integer({ min: 0, max: 100 * 86_400 })
const near = (one: number, other: number) => assert.ok(Math.abs(one - other) < 1e-6, `${one} is not ${other}`)

test('half of what speaks against a client is gone after a day, of what speaks for it after a week', () => {
  assert.deepEqual(faded(repute(8, 4, 2, 6), 86_400, usualFading), repute(4, 4 * 0.5 ** (1 / 7), 1, 3))
  assert.deepEqual(faded(repute(-8, 4), 7 * 86_400, usualFading), repute(-4, 2))
})

test('to fade at once or in two steps is the same, and a clock that goes back changes nothing', () => {
  fc.assert(
    fc.property(anyRepute, seconds, seconds, (known, one, other) => {
      const whole = faded(known, one + other, usualFading)
      const steps = faded(faded(known, one, usualFading), other, usualFading)
      for (const name of ['score', 'accepted', 'content', 'unknown'] as const) near(whole[name], steps[name])
      assert.deepEqual(faded(known, -one, usualFading), known)
    }),
  )
})

test('after its life nothing is left, and a second before the last of it something is', () => {
  fc.assert(
    fc.property(anyRepute, known => {
      const life = lifeOf(known, usualFading)
      const biggest = (at: number) => {
        const { score, accepted, content, unknown } = faded(known, at, usualFading)
        return Math.max(Math.abs(score), accepted, content, unknown)
      }
      assert.ok(biggest(life) < 0.5)
      if (life > 3) assert.ok(biggest(life - 3) >= 0.5)
    }),
  )
})

test('no sum leaves its bounds, whatever is added', () => {
  fc.assert(
    fc.property(fc.array(anyRepute, { maxLength: 50 }), lessons => {
      const sum = lessons.reduce(together, repute(0))
      assert.ok(sum.score >= scoreBounds.least && sum.score <= scoreBounds.most)
      assert.ok(sum.accepted <= 9999 && sum.content <= 9999 && sum.unknown <= 9999)
    }),
  )
})

test('trust that took years is lost after three messages refused for their content', () => {
  let known = repute(scoreBounds.least)
  const heard = [8, 8, 8].map(score => {
    known = together(known, repute(score))
    return standingOf({ client: known, network: null, identity: null })
  })
  assert.deepEqual(
    heard.map(({ trust, score }) => [trust, score]),
    [
      [12, 0],
      [4, 0],
      [0, 4],
    ],
  )
})

test('address, network and name together', () => {
  const table: readonly (readonly [Partial<Record<keyof Reputes, number>>, score: number, trust: number])[] = [
    [{}, 0, 0],
    [{ client: 8 }, 8, 0],
    [{ client: -8 }, 0, 8],
    // Neighbours count a quarter, and nothing against one who is known for good.
    [{ network: 40 }, 10, 0],
    [{ network: 40, client: 2 }, 10, 0],
    [{ network: 40, client: -1 }, 0, 1],
    [{ network: 40, identity: -12 }, 0, 12],
    [{ network: -20 }, 0, 0],
    // A name brings its new addresses with it, in both directions.
    [{ identity: -12 }, 0, 12],
    [{ identity: 12 }, 12, 0],
    [{ identity: 12, client: -2 }, 0, 2],
    // What the address itself has done counts all the same.
    [{ identity: -20, client: 8 }, 8, 0],
    [{ identity: -15, client: -4 }, 0, 15],
  ]
  for (const [scores, score, trust] of table) {
    const known = (name: keyof Reputes) => (scores[name] === undefined ? null : repute(scores[name]))
    const standing = standingOf({ client: known('client'), network: known('network'), identity: known('identity') })
    assert.deepEqual([standing.score, standing.trust], [score, trust], JSON.stringify(scores))
  }
})

test('a client is never both suspect and trusted', () => {
  const maybe = fc.option(anyRepute)
  fc.assert(
    fc.property(maybe, maybe, maybe, (client, network, identity) => {
      const { score, trust } = standingOf({ client, network, identity })
      assert.ok(score >= 0 && trust >= 0 && (score === 0 || trust === 0))
    }),
  )
})
