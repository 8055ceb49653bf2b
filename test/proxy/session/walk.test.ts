import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { met } from '../../support/met.ts'
import { runs } from '../../support/properties.ts'
import { heard, isTheSameForEveryCut, keepsItsLaws, refusesNobodyForGood } from '../../support/session-properties.ts'

test('a session keeps its laws, whatever happens to it', () => {
  // Invariant: front and back never disagree about where a command or a message ends, nor about who said what to which.
  fc.assert(keepsItsLaws, runs(30_000))
  for (const [thing, count] of met) assert.ok(count >= 25, `${thing}: ${count} times`)
})

test('an honest client hears the same however its lines are cut', () => fc.assert(isTheSameForEveryCut, runs(1_000)))

test('an honest client is never refused for good but by the backend', () => {
  fc.assert(refusesNobodyForGood, runs(3_000))
  for (const count of Object.values(heard)) assert.ok(count > 300, JSON.stringify(heard))
})
