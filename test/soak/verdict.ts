import type { Sample } from './sample.ts'

/** What resident memory may grow over the last two thirds. */
const mostGrowth = 0.05

/** What may be there more at rest than before, as a connection of a log or of a scrape that is just being closed. */
const mostMore = 3

export interface Soaked {
  /** One each few seconds, under load. */
  readonly samples: readonly Sample[]
  /** At rest, before and after. */
  readonly before: Sample
  readonly after: Sample
}

/** By how much memory grew over the last two thirds: between the medians of the first and of the last quarter of these. */
export function growth(samples: readonly Sample[]): number {
  const end = samples.at(-1)?.at ?? 0
  const last = samples.filter(({ at }) => at >= end / 3).map(({ memory }) => memory)
  const quarter = Math.max(1, Math.floor(last.length / 4))
  return median(last.slice(-quarter)) / median(last.slice(0, quarter)) - 1
}

/** What is wrong; nothing: the soak is passed. */
export function leaks({ samples, before, after }: Soaked): readonly string[] {
  const grown = growth(samples)
  const more = (['descriptors', 'timers', 'resources'] as const).filter(what => after[what] > before[what] + mostMore)
  return [
    ...(grown > mostGrowth ? [`memory grew by ${(grown * 100).toFixed(1)} % over the last two thirds`] : []),
    ...more.map(what => `${what}: ${before[what]} at rest before, ${after[what]} after`),
  ]
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
