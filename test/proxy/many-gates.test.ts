import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { caps } from '../simulate/gate.ts'
import type { Report } from '../simulate/world.ts'
import { World } from '../simulate/world.ts'

const extent = { end: 1500, outage: { from: 700, to: 1300 }, share: 0.2 }

describe('ten gates in front of one store, in virtual time', () => {
  let report: Report
  before(async () => {
    report = await new World(10, 5, extent).run()
  })

  test('no honest sender is refused or deferred twice, bots are suspect everywhere within a second, rates and caps hold, and an outage loses nothing', () => {
    assert.deepEqual(report.violations, [])
  })

  test('all of that was put to the test', () => {
    const { looks, kinds, away, merge } = report
    assert.ok(
      looks.messages > 150 && looks.suspects > 200 && looks.merged > 100 && looks.windows > 500,
      JSON.stringify(looks),
    )
    for (const kind of ['pool', 'forwarder'] as const) assert.ok((kinds.get(kind)?.deferred ?? 0) > 0, kind)
    for (const kind of ['flood', 'hammer'] as const) assert.ok((kinds.get(kind)?.deferred ?? 0) > 200, kind)
    assert.ok(away.admitted > 60 && merge.most > 5, JSON.stringify({ away, merge }))
  })

  test('a client, and a network, had as many connections open at all gates as it may, and not one more', () => {
    const { client, network, away } = report.open
    assert.deepEqual([client, network], [caps.perClient, caps.perNetwork])
    // Each gate held to it alone.
    assert.ok(away > 5 * caps.perClient && away <= 10 * caps.perClient, `${away}`)
    assert.ok((report.kinds.get('holder')?.crowded ?? 0) > 1000)
  })

  test('a session takes few commands to the store', () => {
    const each = Object.values(report.operations).reduce((sum, count) => sum + count, 0) / report.sessions
    assert.ok(each < 7, `${each}`)
  })

  test('the same seed gives the same, to the last command', async () => {
    const short = { end: 20, outage: { from: 6, to: 12 }, share: 0.1 }
    assert.deepEqual(await new World(2, 5, short).run(), await new World(2, 5, short).run())
  })
})
