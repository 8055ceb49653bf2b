import { Facts } from './facts.ts'

/*
 * Facts as plain values, for a record that is kept, and back. What a fact is follows from the class alone: one that is added
 * there is in every record from then on, and no list of names is kept here.
 *
 * Not taken: every fact in every record (most sessions differ from an empty one in ten fields of thirty); a list of the
 * fields to write (it would be forgotten with the first new check).
 */

/** What JSON can hold, with nothing lost on the way. */
type Plain<T> = T extends string | number | boolean | null
  ? T
  : T extends (...args: never) => unknown
    ? never
    : T extends object
      ? { readonly [Key in keyof T]: Plain<T[Key]> }
      : never

/** The facts that are not at their initial value, by name. One that JSON cannot hold does not compile. */
export function factsToRecord(facts: Plain<Facts>): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const [name, initial] of Object.entries(new Facts())) {
    const value: unknown = facts[name as keyof Facts]
    if (value !== initial) record[name] = value
  }
  return record
}

/**
 * The facts of a record. It may have been written by another version, or by hand: names that are no facts, and values of
 * another kind than the fact has, are left out, so that no check meets what it does not expect.
 */
export function factsFromRecord(record: Readonly<Record<string, unknown>>): Facts {
  const facts = new Facts()
  const open = facts as unknown as Record<string, unknown>
  for (const name in record) {
    if (Object.hasOwn(facts, name) && isLike(open[name], record[name])) open[name] = record[name]
  }
  return facts
}

/** Whether a value may stand where `initial` did. Of a fact that begins as null only that is known. */
function isLike(initial: unknown, value: unknown): boolean {
  if (initial === null) return value === null || ['string', 'number', 'object'].includes(typeof value)
  return typeof value === typeof initial && (typeof value !== 'number' || Number.isFinite(value))
}
