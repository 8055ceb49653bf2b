import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shedShare } from '@sallyport/rules'

const limits = { eventLoop: 200, backend: 10_000, shed: 0.9 }

test('nobody is turned away up to the limits, and all that may be at twice them; the worse of the two counts', () => {
  const cases: readonly (readonly [eventLoop: number, backend: number, share: number])[] = [
    [0, 0, 0],
    [200, 10_000, 0],
    [300, 0, 0.45],
    [400, 0, 0.9],
    [4_000, 0, 0.9],
    [0, 15_000, 0.45],
    [300, 20_000, 0.9],
  ]
  for (const [eventLoop, backend, share] of cases) {
    assert.equal(shedShare({ eventLoop, backend }, limits), share, `${eventLoop} ${backend}`)
  }
  assert.equal(shedShare({ eventLoop: 9_000, backend: 90_000 }, { ...limits, shed: 0 }), 0)
})
