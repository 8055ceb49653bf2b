import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Bearing,
  type Delays,
  delayOf,
  leftForBackend,
  lineDelayOf,
  moments,
  mostForData,
  mostForReply,
  noDelays,
  presetSettings,
  presets,
} from '@sallyport/rules'
import fc from 'fast-check'

const good: Bearing = { isKnown: false, isClean: true, score: 0, errors: 0, unknown: 0, waited: 0 }
const delays: Delays = {
  hello: 5_000,
  mail: 1_000,
  rcpt: 2_000,
  data: 0,
  point: 500,
  error: 1_000,
  unknown: 1_000,
  line: 500,
}

test('a stranger waits before the replies that have a delay, and one who is known does not', () => {
  assert.deepEqual(
    [...moments, null].map(moment => delayOf(delays, moment, good)),
    [5_000, 1_000, 2_000, 0, 0],
  )
  for (const moment of moments) assert.equal(delayOf(delays, moment, { ...good, isKnown: true }), 0)
})

test('points and errors make everybody wait, errors twice as long each time', () => {
  const waits = (of: Partial<Bearing>) => delayOf(delays, null, { ...good, isKnown: true, ...of })
  assert.deepEqual(
    [1, 2, 3, 7, 8, 100].map(errors => waits({ errors })),
    [1_000, 2_000, 4_000, 60_000, 60_000, 60_000],
  )
  assert.equal(waits({ score: 6 }), 3_000)
  assert.equal(waits({ score: 6, errors: 2 }), 5_000)
})

test('lines come one by one for those that have failed, and for nobody that is known or clean', () => {
  const wait = (of: Partial<Bearing>, lines = 8) => lineDelayOf(delays, { ...good, ...of }, lines)
  assert.equal(wait({}), 0)
  assert.equal(wait({ errors: 5 }), 0)
  assert.equal(wait({ score: 1 }), 500)
  assert.equal(wait({ isClean: false }), 500)
  assert.equal(wait({ isClean: false, isKnown: true }), 0)
  assert.deepEqual([wait({ score: 1, waited: 296_500 }), wait({ score: 1, waited: 296_501 })], [500, 0])
})

test('no client waits longer for a reply, or in a session, than the bounds say', () => {
  const bearing = fc.record({
    unknown: fc.nat(9),
    isKnown: fc.boolean(),
    isClean: fc.boolean(),
    score: fc.nat(1_000),
    errors: fc.nat(100),
    waited: fc.constant(0),
  })
  const any = fc.oneof(
    ...presets.map(name => fc.constant(presetSettings[name].delays)),
    fc.constant(delays),
    fc.constant({ ...noDelays, hello: 30_000, data: 60_000, point: 60_000, error: 60_000 }),
  )
  fc.assert(
    fc.property(
      any,
      fc.array(fc.tuple(fc.constantFrom(...moments, null), bearing), { maxLength: 40 }),
      (chosen, replies) => {
        let waited = 10_000
        for (const [moment, of] of replies) {
          const wait = delayOf(chosen, moment, { ...of, waited })
          const isBlameless = of.isClean && of.score === 0 && of.errors === 0
          if (isBlameless) assert.ok(wait <= 30_000, `${wait}`)
          assert.ok(wait <= (moment === 'data' ? mostForData : mostForReply), `${wait}`)
          assert.ok(wait + leftForBackend(wait) <= 300_000, 'RFC 5321 4.5.3.2.3')
          waited += wait
          assert.ok(waited <= 300_000, `${waited}`)
        }
      },
    ),
  )
})

test('the two waits of Fourmilab are those of the article, and one client has both', () => {
  const { delays: chosen, greetWait } = presetSettings.fourmilab
  assert.equal(greetWait, 10_000)
  assert.equal(delayOf(chosen, 'hello', { ...good, waited: 10_000 }), 25_000)
})

test('the backend has what a client has not waited already, and never nothing', () => {
  assert.deepEqual([0, 1, 100_000, 240_000, 300_000].map(leftForBackend), [270_000, 269_999, 170_000, 30_000, 30_000])
})

test('who asks for more than two recipients that the backend does not know waits before each further one', () => {
  const waits = (unknown: number) => moments.map(moment => delayOf(delays, moment, { ...good, isKnown: true, unknown }))
  assert.deepEqual(waits(2), [0, 0, 0, 0])
  assert.deepEqual(waits(3), [0, 0, 1_000, 0])
  assert.deepEqual(waits(50), [0, 0, 1_000, 0])
})
