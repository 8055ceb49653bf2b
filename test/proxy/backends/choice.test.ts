import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { choose, type Member } from '@sallyport/proxy/backends/choice.js'
import { type Server, slowStart } from '@sallyport/proxy/backends/server.js'
import fc from 'fast-check'
import { makeMembers } from '../../support/backend-world.ts'
import { runs } from '../../support/properties.ts'

const nameOf = (chosen: Server | string): string => (typeof chosen === 'string' ? chosen : chosen.name)
const serverOf = (members: readonly Member[], i: number): Server => {
  const server = members[i]?.server
  assert.ok(server)
  return server
}
/** What is chosen `times` times, and how often. */
function counted(times: number, once: (n: number) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let n = 0; n < times; n++) {
    const name = once(n)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe('the choice by order', () => {
  it('is the first that is healthy and has room', () => {
    const members = makeMembers([1, 1, 1], 1)
    const [a, b] = [serverOf(members, 0), serverOf(members, 1)]
    assert.equal(nameOf(choose(members, 'order', [], 0)), 's0')
    a.take()
    assert.equal(nameOf(choose(members, 'order', [], 0)), 's1')
    b.checked(false, 0)
    assert.equal(nameOf(choose(members, 'order', [], 0)), 's2')
    serverOf(members, 2).take()
    assert.equal(choose(members, 'order', [], 0), 'full')
    a.release()
    assert.equal(nameOf(choose(members, 'order', [], 0)), 's0')
  })

  it('gives the first that has come back a growing share, not all at once', () => {
    const members = makeMembers([1, 1])
    serverOf(members, 0).checked(false, 0)
    serverOf(members, 0).checked(true, 0)
    const early = counted(100, () => nameOf(choose(members, 'order', [], slowStart.wait / 10)))
    assert.ok((early['s0'] ?? 0) >= 18 && (early['s0'] ?? 0) <= 20, JSON.stringify(early))
    assert.deepEqual(
      counted(100, () => nameOf(choose(members, 'order', [], slowStart.wait))),
      { s0: 100 },
    )
  })

  it('is the first all the same where all have just come back', () => {
    const members = makeMembers([1, 1])
    for (const { server } of members) {
      server.checked(false, 0)
      server.checked(true, 0)
    }
    assert.equal(nameOf(choose(members, 'order', [], 0)), 's0')
  })
})

describe('the choice by weight', () => {
  it('is not the heaviest many times in a row', () => {
    const members = makeMembers([5, 1, 1])
    const names = Array.from({ length: 7 }, () => nameOf(choose(members, 'weight', [], 0)))
    assert.deepEqual(names, ['s0', 's0', 's1', 's0', 's2', 's0', 's0'])
  })

  it('counts the slow start of one that is back', () => {
    const members = makeMembers([1, 1])
    serverOf(members, 0).checked(false, 0)
    for (let n = 0; n < 50; n++) choose(members, 'weight', [], 0)
    serverOf(members, 0).checked(true, 0)
    const shares = [0, 1 / 2, 1].map(part => {
      const counts = counted(200, () => nameOf(choose(members, 'weight', [], part * slowStart.wait)))
      return (counts['s0'] ?? 0) / 200
    })
    const expected = [0.1 / 1.1, 0.55 / 1.55, 0.5]
    shares.forEach((share, i) => {
      assert.ok(Math.abs(share - (expected[i] ?? 0)) < 0.02, `${shares}`)
    })
  })
})

const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 })

// Invariant: over any number of choices no server is further from its share than one choice for each server of the group.
const isFair = fc.property(weights, fc.integer({ min: 1, max: 400 }), (given, times) => {
  const members = makeMembers(given)
  const total = given.reduce((sum, weight) => sum + weight, 0)
  const counts = counted(times, () => nameOf(choose(members, 'weight', [], 0)))
  given.forEach((weight, i) => {
    const off = Math.abs((counts[`s${i}`] ?? 0) - (times * weight) / total)
    assert.ok(off <= given.length, `s${i} is ${off} from its share: ${JSON.stringify(counts)}`)
  })
})

interface World {
  readonly weights: readonly number[]
  readonly picking: 'order' | 'weight'
  readonly limit: number
  readonly steps: readonly (readonly [what: number, which: number, wait: number])[]
}

const worlds: fc.Arbitrary<World> = fc.record({
  weights,
  picking: fc.constantFrom('order', 'weight'),
  limit: fc.integer({ min: 1, max: 4 }),
  steps: fc.array(fc.tuple(fc.nat(5), fc.nat(5), fc.nat(3000)), { maxLength: 60 }),
})

// Invariant: what is chosen was not tried, has room, and is healthy unless no untried one is; and something that can be is chosen.
const isSound = fc.property(worlds, ({ weights, picking, limit, steps }) => {
  const members = makeMembers(weights, limit)
  const servers = members.map(({ server }) => server)
  let now = 0
  for (const [what, which, wait] of steps) {
    now += wait
    const server = serverOf(members, which % servers.length)
    if (what === 0) server.failed(now, now, 0.5)
    if (what === 1) server.checked(wait % 2 === 0, now)
    if (what === 2 && server.open > 0) server.release()
    if (what < 3) continue
    const tried = what === 5 ? [server] : []
    const chosen = choose(members, picking, tried, now)
    const untried = servers.filter(other => !tried.includes(other))
    const healthy = untried.filter(other => other.isHealthy(now))
    const usable = (healthy.length > 0 ? healthy : untried).filter(other => other.open < limit)
    if (untried.length === 0) assert.equal(chosen, 'none')
    else if (usable.length === 0) assert.equal(chosen, 'full')
    else {
      assert.ok(typeof chosen !== 'string' && usable.includes(chosen), nameOf(chosen))
      if (healthy.length === 0)
        assert.ok(
          usable.every(other => other.troubledAt >= chosen.troubledAt),
          'another had its trouble longer ago',
        )
      chosen.take()
    }
  }
})

it('is fair by weight', () => fc.assert(isFair, runs(300)))
it('is sound, whatever happens', () => fc.assert(isSound, runs(500)))
