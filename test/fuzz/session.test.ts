import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../support/properties.ts'
import { isTheSameForEveryCut, keepsItsLaws, refusesNobodyForGood } from '../support/session-properties.ts'

const timeout = 2_000_000

test('a session keeps its laws, whatever happens to it', { timeout }, () => fc.assert(keepsItsLaws, fuzzRuns()))

test('an honest client hears the same however its lines are cut', { timeout }, () =>
  fc.assert(isTheSameForEveryCut, fuzzRuns(0.05)),
)

test('an honest client is never refused for good but by the backend', { timeout }, () =>
  fc.assert(refusesNobodyForGood, fuzzRuns(0.2)),
)
