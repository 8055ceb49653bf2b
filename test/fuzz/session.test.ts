import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../support/properties.ts'
import { tape, walk } from '../support/walks.ts'

test('a session keeps its laws, whatever happens to it', { timeout: 900_000 }, () => {
  // Invariant: see test/support/witness.ts; held at every call of the session, and between any two inputs.
  fc.assert(fc.property(tape, walk), fuzzRuns)
})
