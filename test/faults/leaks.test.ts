// What `npm run soak` takes for a leak, and for a load that was none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture } from '../soak/curve.ts'
import { growth } from '../soak/growth.ts'
import { addressOf, kindAt, kinds } from '../soak/mix.ts'
import type { Sample } from '../soak/sample.ts'
import { faults, type Soaked } from '../soak/verdict.ts'

const rest: Sample = { at: 0, memory: 80, descriptors: 22, resources: 4, timers: 1, served: 0 }

/** Half an hour, a sample each three seconds, with the memory that `at` seconds have. */
const under = (memory: (at: number) => number): Sample[] =>
  Array.from({ length: 600 }, (_, i) => ({
    at: i * 3,
    memory: memory(i * 3),
    descriptors: 90,
    resources: 80,
    timers: 1,
    served: 60,
  }))

const soaked = (change: Partial<Soaked>): Soaked => ({
  samples: under(() => 100),
  before: rest,
  after: rest,
  turnout: { came: 150_000, keptAway: 0, good: 100_000, goodServed: 99_950, others: 0 },
  ...change,
})

test('memory that grows for ten minutes and then stays is no leak; one that goes on growing is', () => {
  const warm = under(at => Math.min(100, 50 + at / 12))
  assert.deepEqual(faults(soaked({ samples: warm })), [])
  assert.ok(Math.abs(growth(under(at => 100 + at / 300))) < 0.05)
  assert.equal(faults(soaked({ samples: under(at => 100 + at / 60) })).length, 1)
})

test('a saw-tooth of the collector is no leak', () => {
  const wave = (at: number, period: number) => (60 * (at % period)) / period
  for (const period of [60, 150, 400]) {
    assert.deepEqual(faults(soaked({ samples: under(at => 100 + wave(at, period)) })), [], `${period} s`)
  }
  // Within a quarter, which is five minutes of half an hour, it hides no leak either.
  for (const period of [60, 150]) {
    assert.equal(faults(soaked({ samples: under(at => 100 + at / 60 + wave(at, period)) })).length, 1, `${period} s`)
  }
})

test('what is left over at rest is a leak, one by one', () => {
  for (const what of ['descriptors', 'timers', 'resources'] as const) {
    assert.deepEqual(faults(soaked({ after: { ...rest, [what]: rest[what] + 3 } })), [])
    assert.equal(faults(soaked({ after: { ...rest, [what]: rest[what] + 4 } })).length, 1, what)
  }
})

test('good clients that are not served are a fault, and so is a load that could not be brought', () => {
  const { turnout } = soaked({})
  for (const change of [{ goodServed: 99_890 }, { goodServed: 0, good: 0 }, { keptAway: 10_000 }]) {
    assert.equal(faults(soaked({ turnout: { ...turnout, ...change } })).length, 1, JSON.stringify(change))
  }
})

test('the clients are as many of each kind as is said, at addresses of their own', () => {
  assert.equal(
    kinds.reduce((sum, { share }) => sum + share, 0),
    100,
  )
  const counts = new Map<string, number>()
  for (let i = 0; i < 1_000; i++) {
    const { name } = kindAt((i + 0.5) / 1_000)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  for (const { name, share } of kinds) assert.equal(counts.get(name), share * 10)
  const all = kinds.flatMap(kind => Array.from({ length: kind.addresses }, (_, number) => addressOf(kind, number)))
  assert.equal(new Set(all).size, all.length)
})

test('the curve has a line for each of its fields', () => {
  const drawn = picture(
    under(at => 50 + at / 100),
    ['half an hour', 'at 60 < 100 clients & a second'],
  )
  assert.equal(drawn.match(/<polyline /g)?.length, 4)
  assert.match(drawn, /60 &lt; 100 clients &amp; a/)
  assert.doesNotMatch(drawn, /NaN|undefined/)
})
