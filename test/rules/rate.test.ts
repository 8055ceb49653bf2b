import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admit, type Rate } from '@sallyport/rules'
import fc from 'fast-check'

/** The times of those that are let in, of these. */
function letIn(rate: Rate, times: readonly number[]): number[] {
  let until: number | null = null
  return times.filter(time => {
    const admission = admit(until, rate, time)
    until = admission.until
    return admission.wait === 0
  })
}

const rates = fc.record({ count: fc.integer({ min: 1, max: 50 }), period: fc.integer({ min: 1, max: 3600 }) })
const arrivals = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }).map(gaps => {
  let time = 1_790_000_000
  return gaps.map(gap => {
    time += gap / 10
    return time
  })
})

test('who comes as often as the rate says is always let in', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 200 }), (rate, many) => {
      const times = Array.from({ length: many }, (_, i) => 1_790_000_000 + (i * rate.period) / rate.count)
      assert.equal(letIn(rate, times).length, many)
    }),
  )
})

test('in no stretch of time are more let in than at once and by the rate together', () => {
  fc.assert(
    fc.property(rates, arrivals, (rate, times) => {
      const accepted = letIn(rate, times)
      for (let i = 0; i < accepted.length; i++) {
        const last = accepted.at(-1) ?? 0
        const stretch = last - (accepted[i] ?? 0)
        assert.ok(accepted.length - i <= rate.count + (stretch * rate.count) / rate.period + 1e-3)
      }
    }),
  )
})

test('nobody waits longer than for the next, whatever a clock that was ahead has left', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: -100_000, max: 100_000 }), (rate, ahead) => {
      const now = 1_790_000_000
      assert.ok(admit(now + ahead, rate, now).wait <= rate.period / rate.count + 1e-6)
    }),
  )
})

test('who waits as long as it is told is let in', () => {
  fc.assert(
    fc.property(rates, arrivals, (rate, times) => {
      let until: number | null = null
      for (const time of times) {
        const { wait, until: kept } = admit(until, rate, time)
        if (wait > 0) assert.equal(admit(kept, rate, time + wait + 1e-6).wait, 0)
        until = kept
      }
    }),
  )
})
