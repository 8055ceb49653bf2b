import { type CheckName, type DisarmReason, precisionRate } from '@sallyport/rules'
import type { Gate } from './gate.ts'

/** What is told of one check. Sessions are those that have ended since the process started. */
export interface CheckRow {
  readonly check: CheckName
  /** What follows when a client fails, as configured for clients in general. */
  readonly action: string
  readonly state: 'armed' | 'disarmed'
  /** Why it is disarmed, and for the clients of which proxies; empty: for all, or it is armed. */
  readonly reason: DisarmReason | null
  readonly proxies: readonly string[]
  readonly runs: number
  readonly fails: number
  /** Failed sessions in which it only observed. */
  readonly observed: number
  /** Sessions that were turned away for it. */
  readonly acted: number
  readonly true: number
  readonly false: number
  readonly unknown: number
  /** true / (true + false), 0 to 1; null: nothing to judge by. */
  readonly precision: number | null
  readonly saved: { readonly connections: number; readonly octets: number; readonly seconds: number }
  /** How long mail accepted in the end had waited for it, seconds; null: none had, or for longer than a day. */
  readonly delay: { readonly p50: number | null; readonly p99: number | null }
}

export function checkRows({ checks: { ledger, breakers }, house, metrics }: Gate): readonly CheckRow[] {
  return house.plans.general.checks.map(({ name, action }) => {
    const row = ledger.rowOf(name)
    const disarmed = breakers.disarmed.filter(({ check }) => check === name)
    const { connections, octets, seconds, ...counts } = row
    return {
      check: name,
      action,
      state: disarmed.length > 0 ? ('disarmed' as const) : ('armed' as const),
      reason: disarmed[0]?.reason ?? null,
      proxies: disarmed.flatMap(({ proxy }) => (proxy === null ? [] : [proxy])),
      ...counts,
      precision: precisionRate(row),
      saved: { connections, octets: Math.round(octets), seconds: Math.round(seconds * 1000) / 1000 },
      delay: { p50: metrics.checkDelay.quantile(name, 0.5), p99: metrics.checkDelay.quantile(name, 0.99) },
    }
  })
}

const columns: readonly (readonly [string, (row: CheckRow) => string])[] = [
  ['check', row => row.check],
  ['action', row => row.action],
  ['state', stateOf],
  ['runs', row => String(row.runs)],
  ['fails', row => String(row.fails)],
  ['observed', row => String(row.observed)],
  ['acted', row => String(row.acted)],
  ['true', row => String(row.true)],
  ['false', row => String(row.false)],
  ['unknown', row => String(row.unknown)],
  ['precision', row => (row.precision === null ? '-' : `${(row.precision * 100).toFixed(1)}%`)],
  ['connections', row => String(row.saved.connections)],
  ['octets', row => String(row.saved.octets)],
  ['seconds', row => row.saved.seconds.toFixed(1)],
  ['p50', row => delayText(row.delay.p50)],
  ['p99', row => delayText(row.delay.p99)],
]

/** Columns that are words, and stand at the left. */
const words = 3

/** The rows as a table, one line each. */
export function checkTable(rows: readonly CheckRow[]): string {
  const cells = [columns.map(([title]) => title), ...rows.map(row => columns.map(([, text]) => text(row)))]
  const widths = columns.map((_, i) => Math.max(...cells.map(line => line[i]?.length ?? 0)))
  const lines = cells.map(line =>
    line.map((cell, i) => (i < words ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  )
  return `${lines.join('\n')}\n`
}

function stateOf({ state, reason, proxies }: CheckRow): string {
  return state === 'armed' ? state : `disarmed (${reason}${proxies.length > 0 ? ` ${proxies.join(' ')}` : ''})`
}

const delayText = (seconds: number | null): string => (seconds === null ? '-' : `${seconds} s`)
