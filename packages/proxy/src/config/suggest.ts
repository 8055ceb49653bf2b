/** The known word that was most likely meant by `found`; null: none is near enough to guess. */
export function nearest(found: string, known: readonly string[]): string | null {
  const word = normal(found)
  // One slip for every four letters begun, and never more than three.
  let least = Math.min(3, Math.ceil(word.length / 4))
  let best: string | null = null
  for (const candidate of known) {
    const distance = distanceOf(word, normal(candidate), least)
    if (distance < least || (distance === least && best === null)) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** `bareNewline`, `bare_newline` and `Bare-Newline` are the same slip. */
function normal(word: string): string {
  return word
    .slice(0, 64)
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll('_', '-')
}

/** Insertions, deletions, replacements and swaps of neighbours from `a` to `b`; anything above `limit` is `limit + 1`. */
function distanceOf(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(i - 2, j - 2) + 1)
      row.push(least)
    }
  }
  return Math.min(at(a.length, b.length), limit + 1)
}
