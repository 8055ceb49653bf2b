import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ejection, slowStart } from '@sallyport/proxy/backends/server.js'
import fc from 'fast-check'
import { makeServer } from '../../support/backend-world.ts'
import { runs } from '../../support/properties.ts'

describe('a server', () => {
  it('is healthy until it fails, and left out for twice as long each time in a row', () => {
    const server = makeServer('a')
    const waits: number[] = []
    let now = 0
    for (let n = 0; n < 8; n++) {
      assert.ok(server.isHealthy(now))
      const wait = server.failed(now, now, 0.5)
      assert.ok(!server.isHealthy(now + wait - 1))
      waits.push(wait)
      now += wait
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  it('is ejected once by attempts that were under way together', () => {
    const server = makeServer('a')
    assert.equal(server.failed(10, 400, 0.5), 1000)
    for (let begun = 0; begun < 400; begun += 50) assert.equal(server.failed(begun, 401 + begun, 0.5), 0)
    assert.ok(server.isHealthy(1400))
    assert.equal(server.failed(1400, 1401, 0.5), 2000)
  })

  it('comes back at once when a session that tried it all the same is answered', () => {
    const server = makeServer('a')
    server.failed(0, 0, 0.5)
    assert.equal(server.succeeded(500, 600), false)
    assert.ok(server.isHealthy(600))
    assert.equal(server.share(600), slowStart.least)
    // And an answer to what was under way before it failed says nothing.
    server.failed(700, 700, 0.5)
    server.succeeded(650, 800)
    assert.ok(!server.isHealthy(800))
  })

  it('begins anew when a look finds it back, and is down when a look finds it gone', () => {
    const server = makeServer('a')
    assert.equal(server.checked(true, 0), false)
    for (const now of [0, 2000, 5000, 10_000]) server.failed(now, now, 0.5)
    assert.equal(server.checked(false, 10_100), true)
    assert.equal(server.checked(false, 15_100), false)
    assert.ok(!server.isHealthy(100_000))
    assert.equal(server.checked(true, 100_000), true)
    assert.ok(server.isHealthy(100_000))
    assert.equal(server.failed(100_100, 100_100, 0.5), ejection.first)
  })

  it('is up again by the word of a session', () => {
    const server = makeServer('a')
    server.checked(false, 0)
    assert.equal(server.succeeded(10, 20), true)
    assert.ok(server.isHealthy(20))
  })

  it('forgets how often it failed once it has worked for the time of a slow start', () => {
    const server = makeServer('a')
    server.failed(0, 0, 0.5)
    server.succeeded(2000, 2010)
    assert.equal(server.failed(3000, 3000, 0.5), 2000)
    server.succeeded(36_000, 36_010)
    assert.equal(server.failed(40_000, 40_000, 0.5), 1000)
  })

  it('has its whole share at first, and less of it after it has come back', () => {
    const server = makeServer('a')
    assert.equal(server.share(0), 1)
    server.checked(false, 0)
    server.checked(true, 1000)
    const shares = [1000, 1000 + slowStart.wait / 2, 1000 + slowStart.wait].map(now => server.share(now))
    assert.deepEqual(shares, [0.1, 0.55, 1])
  })
})

// Invariant: after a failure a server is left out for a time within the spread of its backoff, and is healthy at its end.
const isOutInBounds = fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), dice => {
  const server = makeServer('a')
  let now = 0
  dice.forEach((die, n) => {
    const wait = server.failed(now, now, die)
    const expected = Math.min(ejection.first * 2 ** n, ejection.longest)
    assert.ok(Math.abs(wait - expected) <= expected * ejection.spread + 1, `${wait} for ${expected}`)
    assert.ok(!server.isHealthy(now + wait - 1) && server.isHealthy(now + wait))
    now += wait
  })
})

it('is left out within the bounds of its backoff', () => fc.assert(isOutInBounds, runs(300)))
