import type { CheckName } from './checks/index.ts'
import type { Plan, PlannedCheck } from './policy.ts'
import type { Precision, PrecisionWord } from './precision.ts'
import type { Tally } from './tally.ts'

/** What one check has done since the process started. */
export interface LedgerRow extends Record<PrecisionWord, number> {
  /** Sessions of which it said something. */
  runs: number
  fails: number
  /** Sessions that it failed and only observed. */
  observed: number
  /** Sessions that were turned away, or a recipient of them, and it was the cause. */
  acted: number
  /** What that saved: connections to the backend, and what such a connection takes on average, in octets of message and seconds. */
  connections: number
  octets: number
  seconds: number
}

/** A session that has ended, as the ledger sees it. */
export interface Entry {
  readonly plan: Plan
  readonly tally: Tally
  readonly precision: readonly Precision[]
  /** The check for which the session, or a recipient of it, was turned away; null: it was not. */
  readonly cause: CheckName | null
  /** What it took of the backend: octets of messages, and seconds; null: it was not opened. */
  readonly backend: { readonly octets: number; readonly seconds: number } | null
}

/** What the checks have done, and what it was good for: to see which earns its keep. In this process alone, since its start. */
export class Ledger {
  readonly rows = new Map<CheckName, LedgerRow>()
  private opened = 0
  private octets = 0
  private seconds = 0

  rowOf(check: CheckName): LedgerRow {
    let row = this.rows.get(check)
    if (row === undefined) {
      row = {
        runs: 0,
        fails: 0,
        observed: 0,
        acted: 0,
        true: 0,
        false: 0,
        unknown: 0,
        connections: 0,
        octets: 0,
        seconds: 0,
      }
      this.rows.set(check, row)
    }
    return row
  }

  note({ plan, tally, precision, cause, backend }: Entry): void {
    for (let i = 0; i < plan.checks.length; i++) {
      const planned = plan.checks[i] as PlannedCheck
      const kind = tally.outcomes[i]?.kind ?? 'todo'
      if (kind === 'todo') continue
      const row = this.rowOf(planned.name)
      row.runs++
      if (kind !== 'fail') continue
      row.fails++
      if (tally.actionFor(planned, i) === 'observe') row.observed++
    }
    for (const { check, word } of precision) this.rowOf(check)[word]++
    if (backend !== null) {
      this.opened++
      this.octets += backend.octets
      this.seconds += backend.seconds
    }
    if (cause === null) return
    const row = this.rowOf(cause)
    row.acted++
    if (backend !== null) return
    row.connections++
    // How large its message would have been nobody knows, and what it says itself (SIZE) may be anything.
    if (this.opened === 0) return
    row.octets += this.octets / this.opened
    row.seconds += this.seconds / this.opened
  }
}

/** Of the failures that can be judged, the part that was right; null: none can be. */
export function precisionRate(row: LedgerRow): number | null {
  const judged = row.true + row.false
  return judged === 0 ? null : row.true / judged
}
