import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Breaker, breakerLimits } from '@sallyport/proxy/store/redis/breaker.js'
import { RedisNodes } from '@sallyport/proxy/store/redis/redis-nodes.js'
import { Refusal } from '@sallyport/proxy/store/shared/refusal.js'
import fc from 'fast-check'
import { eventually, StoreWorld } from '../../support/store-world.js'

/** A breaker and the changes it told. */
function make(limits = breakerLimits) {
  const changes: [boolean, string][] = []
  return { breaker: new Breaker(limits, (up, reason) => changes.push([up, reason])), changes }
}

/** Fails `count` commands, 50 ms one after another, from `start`. */
function fail(breaker: Breaker, count: number, start: number): void {
  for (let i = 0; i < count; i++) {
    assert.ok(breaker.take())
    breaker.failed(start + 50 * i, 'timed out')
  }
}

describe('the breaker', () => {
  it('opens at the third failure in a row, and says so once', () => {
    const { breaker, changes } = make()
    fail(breaker, 2, 0)
    assert.ok(breaker.up)
    fail(breaker, 1, 100)
    assert.ok(!breaker.up)
    assert.ok(!breaker.take())
    breaker.lost(200, 'closed')
    assert.deepEqual(changes, [[false, 'timed out']])
    assert.equal(breaker.probeAt, 1100)
  })

  it('begins to count anew after an answer', () => {
    const { breaker } = make()
    for (let round = 0; round < 5; round++) {
      fail(breaker, 2, 1000 * round)
      assert.ok(breaker.take())
      breaker.succeeded()
    }
    assert.ok(breaker.up)
  })

  it('is silent from the first failure to the next answer, and until it is given up', () => {
    const { breaker } = make()
    assert.equal(breaker.silent, false)
    fail(breaker, 1, 0)
    assert.deepEqual([breaker.silent, breaker.up], [true, true])
    assert.ok(breaker.take())
    breaker.succeeded()
    assert.equal(breaker.silent, false)
    fail(breaker, 3, 1_000)
    assert.equal(breaker.up, false)
    breaker.restored()
    assert.equal(breaker.silent, false)
  })

  it('opens though it answers what costs nothing: it is too slow for the rest', () => {
    const { breaker } = make()
    for (let i = 0; i < 3; i++) {
      assert.ok(breaker.up)
      fail(breaker, 1, 1_000 * i)
      assert.ok(breaker.silent)
      if (!breaker.take()) break
      breaker.heard()
      assert.equal(breaker.silent, false)
    }
    assert.equal(breaker.up, false)
  })

  it('takes many failures in one moment for one: a stall of the event loop is no outage', () => {
    const { breaker } = make()
    for (let i = 0; i < 200; i++) breaker.take()
    for (let i = 0; i < 200; i++) breaker.failed(50, 'timed out')
    assert.ok(breaker.up)
    fail(breaker, 2, 100)
    assert.ok(!breaker.up)
  })

  it('opens at once when the connection is lost', () => {
    const { breaker, changes } = make()
    breaker.lost(10, 'ECONNREFUSED')
    assert.deepEqual(changes, [[false, 'ECONNREFUSED']])
  })

  it('probes after 1, 2, 4, 4 s, one at a time', () => {
    const { breaker } = make()
    breaker.lost(0, 'closed')
    const due: number[] = []
    for (let now = 0; now < 12_000; now += 100) {
      if (!breaker.probe(now)) continue
      due.push(now)
      assert.ok(!breaker.probe(now + 10_000))
      breaker.probeFailed(now)
    }
    assert.deepEqual(due, [1000, 3000, 7000, 11_000])
  })

  it('is up again after a good probe, and then begins with the short wait', () => {
    const { breaker, changes } = make()
    breaker.lost(0, 'closed')
    assert.ok(breaker.probe(1000))
    breaker.probeFailed(1000)
    assert.ok(breaker.probe(3000))
    breaker.restored()
    assert.ok(breaker.take())
    assert.ok(!breaker.probe(9000))
    breaker.lost(10_000, 'closed')
    assert.equal(breaker.probeAt, 11_000)
    assert.deepEqual(
      changes.map(([up]) => up),
      [false, true, false],
    )
  })

  it('lets a bounded number of commands wait', () => {
    const { breaker } = make()
    for (let i = 0; i < breakerLimits.outstanding; i++) assert.ok(breaker.take())
    assert.ok(!breaker.take())
    breaker.succeeded()
    assert.ok(breaker.take())
  })

  it('tells each change once', () => {
    // Whatever happens in whatever order, changes alternate, and a command is let through only while it is up.
    const event = fc.constantFrom('take', 'succeed', 'fail', 'lose', 'probe', 'good', 'bad')
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(1500)), { maxLength: 200 }), events => {
        const { breaker, changes } = make()
        let [now, taken, probing] = [0, 0, false]
        for (const [what, wait] of events) {
          now += wait
          if (what === 'take' && breaker.take()) taken++
          if (what === 'succeed' && taken > 0) breaker.succeeded()
          if (what === 'fail' && taken > 0) breaker.failed(now, 'timed out')
          if ((what === 'succeed' || what === 'fail') && taken > 0) taken--
          if (what === 'lose') breaker.lost(now, 'closed')
          if (what === 'probe' && breaker.probe(now)) probing = true
          if (probing && what === 'good') breaker.restored()
          if (probing && what === 'bad') breaker.probeFailed(now)
          if (what === 'good' || what === 'bad') probing = false
          assert.equal(breaker.outstanding, taken)
          assert.equal(breaker.up, changes.at(-1)?.[0] ?? true)
        }
        for (const [i, [up]] of changes.entries()) assert.equal(up, i % 2 === 1)
      }),
    )
  })
})

/** A node that did not answer, and refuses what it is asked from now on; `looks`: how often it was looked whether it has a connection. */
function makeNode() {
  const state = { isReady: true, looks: 0, pings: 0 }
  const ping = () => {
    state.pings++
    return Promise.reject(new Error('the stream is not writable'))
  }
  const isReady = () => {
    state.looks++
    return state.isReady
  }
  const nodes = new RedisNodes({ isReady, isGone: () => false, ping }, new StoreWorld().log)
  const breaker = nodes.take('')
  assert.ok(breaker !== null)
  nodes.failed('', breaker, 'timed out')
  assert.ok(nodes.isSilent(''))
  return { nodes, state }
}

describe('a node that is silent', () => {
  it('is asked again and again until it is given up, though nobody comes', async t => {
    const { nodes, state } = makeNode()
    t.after(() => nodes.close())
    await eventually('it is given up', () => !nodes.up)
    assert.ok(state.pings >= breakerLimits.failures - 1, `${state.pings}`)
  })

  it('is not asked in the turn of the event loop in which it failed: that its connection has ended must be heard', async t => {
    const { nodes, state } = makeNode()
    t.after(() => nodes.close())
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(state.pings, 0)
    const { looks } = state
    state.isReady = false
    await eventually('its connection is looked at', () => state.looks > looks)
    assert.deepEqual([state.pings, nodes.isSilent('')], [0, true])
  })
})

describe('a refusal', () => {
  it('is told once, and its end once it has been over for ten seconds', () => {
    const world = new StoreWorld()
    const refusal = new Refusal('writes', world.log)
    refusal.granted(0)
    for (let now = 1000; now < 20_000; now += 1000) {
      refusal.refused(now, 'READONLY')
      refusal.granted(now + 500)
    }
    assert.equal(world.lines.length, 1)
    refusal.granted(28_999)
    assert.equal(world.lines.length, 1)
    refusal.granted(29_000)
    refusal.granted(29_001)
    assert.deepEqual(world.lines.slice(1), ['info Redis takes writes again'])
    refusal.refused(30_000, 'OOM')
    assert.match(world.lines[2] ?? '', /^warn Redis refuses writes \(OOM\)/)
  })
})
