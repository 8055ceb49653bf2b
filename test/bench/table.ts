/** One figure. `ratio` is what is judged, against `budget`; figures without are for comparison. */
export interface Row {
  readonly what: string
  readonly value: string
  readonly ratio?: number
  readonly budget?: number
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export const isOver = (row: Row): boolean =>
  row.ratio !== undefined && row.budget !== undefined && row.ratio > row.budget

export function print(rows: readonly Row[]): void {
  for (const row of rows) {
    const judged = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} of ${row.budget?.toFixed(2) ?? '-'}`
    console.log(
      `${row.what.padEnd(66)} ${row.value.padStart(12)}  ${judged.padStart(12)}${isOver(row) ? '  OVER' : ''}`,
    )
  }
}
