import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Assignment } from '@sallyport/proxy/backends/assignment.js'
import fc from 'fast-check'
import { GroupWorld, makeMembers, type Told } from '../../support/backend-world.ts'
import { runs } from '../../support/properties.ts'

const full = (length = 100) => {
  const world = new GroupWorld(makeMembers([1], 1), 'order', { length, wait: 3_000 })
  const holder = world.seek()
  assert.equal(holder.found, 'taken')
  return { world, holder: holder.assignment }
}

describe('a group', () => {
  it('lets a session try each server once', () => {
    const world = new GroupWorld(makeMembers([1, 1]), 'order')
    const { assignment, found } = world.seek()
    assert.deepEqual([found, assignment.server?.name], ['taken', 's0'])
    assignment.fared(false, world.now)
    assignment.release()
    assert.deepEqual([assignment.seek(null, 1), assignment.server?.name], ['taken', 's1'])
    assignment.fared(false, 1)
    assignment.release()
    assert.equal(assignment.seek(null, 2), 'none')
    assert.deepEqual(world.ejections, ['s0 1000', 's1 1000'])
  })

  it('keeps a session with its server, while that is healthy and has room', () => {
    const members = makeMembers([1, 1], 1)
    const world = new GroupWorld(members, 'order')
    const second = members[1]?.server ?? null
    const { assignment } = world.seek(second)
    assert.equal(assignment.server?.name, 's1')
    assert.equal(world.seek(second).assignment.server?.name, 's0')
    assignment.release()
    second?.checked(false, 0)
    assert.equal(world.seek(second).found, 'wait')
  })

  it('hears the first word of an attempt only', () => {
    const world = new GroupWorld(makeMembers([1, 1]), 'order')
    const { assignment } = world.seek()
    assignment.fared(true, 10)
    assignment.fared(false, 20)
    assert.deepEqual(world.ejections, [])
  })

  it('serves those who wait in the order they came', () => {
    const { world, holder } = full()
    const [first, second] = [world.seek(), world.seek()]
    assert.deepEqual([first.found, second.found, world.group.waiting], ['wait', 'wait', 2])
    holder.release()
    assert.deepEqual([first.told.heard, second.told.heard], [['granted s0'], []])
    first.assignment.release()
    assert.deepEqual(second.told.heard, ['granted s0'])
    assert.deepEqual([world.results, world.due], [['served', 'served'], Number.POSITIVE_INFINITY])
  })

  it('fails one that has waited for its time, and not the others', () => {
    const { world } = full()
    const first = world.seek()
    world.pass(1_000)
    const second = world.seek()
    assert.equal(world.due, 3_000)
    world.pass(2_000)
    assert.deepEqual([first.told.heard.length, second.told.heard, world.due], [1, [], 4_000])
    assert.deepEqual(world.results, ['late'])
  })

  it('takes no more than there are places, and a place that is left is free again', () => {
    const { world, holder } = full(1)
    const first = world.seek()
    assert.equal(world.seek().found, 'full')
    first.assignment.release()
    assert.equal(world.due, Number.POSITIVE_INFINITY)
    const second = world.seek()
    assert.equal(second.found, 'wait')
    holder.release()
    assert.deepEqual([first.told.heard, second.told.heard], [[], ['granted s0']])
    assert.deepEqual(world.results, ['full', 'left', 'served'])
  })

  it('lets nobody past those who wait when a server is back', () => {
    const members = makeMembers([1, 1], 1)
    const world = new GroupWorld(members, 'order')
    members[1]?.server.checked(false, 0)
    world.seek()
    const first = world.seek()
    assert.equal(first.found, 'wait')
    members[1]?.server.checked(true, world.now)
    assert.deepEqual(first.told.heard, ['granted s1'])
  })
})

type Step = readonly [what: number, which: number, wait: number]
const steps: fc.Arbitrary<readonly Step[]> = fc.array(fc.tuple(fc.nat(6), fc.nat(20), fc.nat(900)), { maxLength: 120 })

// Invariant: whatever sessions and servers do, no server has more connections than its limit, each session hears at most one
// answer for each time it waited, and when all have left nothing is counted and nobody waits.
const leaksNothing = fc.property(steps, fc.integer({ min: 1, max: 3 }), (course, limit) => {
  const members = makeMembers([2, 1, 1], limit)
  const world = new GroupWorld(members, 'weight', { length: 4, wait: 2_000 })
  const sessions: { assignment: Assignment; told: Told; waits: number }[] = []
  for (const [what, which, wait] of course) {
    world.pass(wait)
    const session = sessions[which % Math.max(1, sessions.length)]
    const server = members[which % members.length]?.server
    if (what < 2 || session === undefined) {
      const { assignment, told, found } = world.seek()
      sessions.push({ assignment, told, waits: Number(found === 'wait') })
    } else if (what === 2) session.assignment.release()
    else if (what === 3) {
      session.assignment.fared(which % 2 === 0, world.now)
      session.assignment.release()
      session.waits += Number(session.assignment.seek(null, world.now) === 'wait')
    } else if (what === 4) session.assignment.fared(which % 2 === 0, world.now)
    else server?.checked(what === 5, world.now)
    for (const { server } of members) assert.ok(server.open <= limit, `${server.name} has ${server.open}`)
    for (const { told, waits } of sessions) assert.ok(told.heard.length <= waits, 'told without having waited')
  }
  for (const { assignment } of sessions) assignment.release()
  assert.deepEqual([world.group.waiting, world.due], [0, Number.POSITIVE_INFINITY])
  for (const { server } of members) assert.equal(server.open, 0)
})

it('a group leaks nothing', () => fc.assert(leaksNothing, runs(500)))
