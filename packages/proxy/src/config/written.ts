import type { ZodType } from 'zod'
import type { Path } from './path.ts'

/** A fault, or a doubt, at a key. The text goes on after the words for what was found there. */
export interface Remark {
  readonly path: Path
  readonly text: string
}

/** A key as it would be taken, default included; undefined: what was written is no value of its kind. */
export function read<T>(kind: ZodType<T>, written: unknown, ...path: string[]): T | undefined {
  return kind.safeParse(at(written, ...path)).data
}

/** What was written at a key; undefined: nothing. */
export function at(written: unknown, ...path: string[]): unknown {
  let value = written
  for (const key of path) {
    value =
      typeof value === 'object' && value !== null && key in value ? (value as Record<string, unknown>)[key] : undefined
  }
  return value
}
