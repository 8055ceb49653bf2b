import type { Bound } from './bound.ts'

export interface Row {
  readonly what: string
  readonly bound: Bound
  /** What happens when it is reached. */
  readonly follows: string
  /** Of the number. */
  readonly source: string
}
