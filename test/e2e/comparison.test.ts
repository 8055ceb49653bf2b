import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { campaign, type Outcome } from '../comparison/campaign.ts'
import { compare } from '../comparison/compare.ts'
import { type Allowed, differences, fits, type Pattern, type WayName, wayNames } from '../comparison/differences.ts'
import { readScripts } from '../comparison/script.ts'
import { startWorld } from '../comparison/world.ts'

const scripts = readScripts()
const world = await startWorld({ after })
const direct = await campaign(scripts, world.direct, world.postfix)
// All of them before the first test: when that has ended, so may what they need.
const outcomes: Partial<Record<WayName, readonly Outcome[]>> = {}
for (const way of wayNames) outcomes[way] = await campaign(scripts, world.gates[way], world.postfix)

/** Patterns, and ways of entries, that some difference has needed. */
const needed = new Set<Pattern | string>()
const use = ({ title }: Allowed, way: WayName) => `${title}, ${way}`

test('there are sixty dialogues and more, each of its own, and Postfix answers each of their turns', () => {
  assert.ok(scripts.length >= 60)
  assert.equal(new Set(scripts.map(({ sentence }) => sentence)).size, scripts.length)
  for (const [i, { turns, sentence }] of scripts.entries()) {
    const [first, ...exchanges] = direct[i]?.exchanges ?? []
    assert.match(first?.replies[0] ?? '', /^220 /, sentence)
    const closed = exchanges.some(({ told, closed }) => closed && told[0] !== '(left)')
    assert.ok(closed || exchanges.length === turns.length + 1, sentence)
  }
})

for (const name of wayNames) {
  describe(`${name}: as Postfix itself, but for what is written down`, () => {
    for (const [i, { theme, sentence }] of scripts.entries()) {
      test(sentence, () => {
        const [one, other] = [direct[i], outcomes[name]?.[i]]
        assert.ok(one !== undefined && other !== undefined)
        const unexplained = compare(one, other).filter(difference => {
          const entry = differences.find(
            ({ ways, patterns }) =>
              ways.includes(name) &&
              patterns.some(pattern => fits(pattern, `${theme}: ${sentence}`, difference) && needed.add(pattern)),
          )
          if (entry !== undefined) needed.add(use(entry, name))
          return entry === undefined
        })
        assert.deepEqual(unexplained, [])
      })
    }
  })
}

test('every difference that is written down is needed', () => {
  for (const entry of differences) {
    for (const way of entry.ways) assert.ok(needed.has(use(entry, way)), `${entry.title}: not by a ${way}`)
    for (const pattern of entry.patterns) {
      const { dialogue, at, direct, gate } = pattern
      assert.ok(needed.has(pattern), `${entry.title}: ${[dialogue, at, direct, gate].join(' | ')}`)
    }
  }
})
