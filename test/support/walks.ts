import fc from 'fast-check'
import { Tape } from './tape.ts'
import { Walk } from './walk.ts'

/** A walk is written down as its choices, so that a shorter list is a shorter walk. */
export const tape: fc.Arbitrary<readonly number[]> = fc.array(fc.noBias(fc.nat(0xffff)), {
  minLength: 12,
  maxLength: 160,
  size: 'max',
})

export function walk(choices: readonly number[]): void {
  new Walk(new Tape(choices)).run()
}
