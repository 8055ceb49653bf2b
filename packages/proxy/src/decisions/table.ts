/** A title and rows in columns, numbers to the right; a row of one cell stands by itself. Nothing, where there are no rows. */
export function table(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const aligned = rows.filter(row => row.length > 1)
  const columns = Array.from({ length: Math.max(0, ...aligned.map(row => row.length)) }, (_, i) =>
    aligned.map(row => row[i] ?? ''),
  )
  const widths = columns.map(cells => Math.max(...cells.map(cell => cell.length)))
  const areNumbers = columns.map(([, ...cells]) => cells.some(Boolean) && cells.every(cell => /^[\d,]*$/.test(cell)))
  const put = (cell: string, i: number) =>
    areNumbers[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)
  const lines = rows.map(row => `  ${row.length > 1 ? row.map(put).join('  ') : row[0]}`.trimEnd())
  return title === '' ? lines : ['', title, ...lines]
}
