// Whether memory grows: between the first and the last quarter of the last two thirds. By then what is remembered of the clients is there.
//
// What the collector of garbage leaves lying for a minute or two is no growth. It moves the median of a quarter up or down by where in its saw-tooth the quarter
// begins, and the least by whether it ran in there; a leak moves both. So the smaller of the two counts.

import type { Sample } from './sample.ts'

interface Quarter {
  /** Seconds since the soak began. */
  readonly from: number
  readonly to: number
  /** Of resident memory, MB. */
  readonly median: number
  readonly least: number
}

/** The samples of the last two thirds of the time. */
export function kept(samples: readonly Sample[]): readonly Sample[] {
  const end = samples.at(-1)?.at ?? 0
  return samples.filter(({ at }) => at >= end / 3)
}

/** The first and the last quarter. */
export function quarters(samples: readonly Sample[]): readonly [Quarter, Quarter] {
  const size = Math.max(1, Math.floor(samples.length / 4))
  return [quarterOf(samples.slice(0, size)), quarterOf(samples.slice(-size))]
}

/** By how much it grew; 0.01: by one hundredth. */
export function growth(samples: readonly Sample[]): number {
  const [first, last] = quarters(kept(samples))
  return Math.min(last.median / first.median, last.least / first.least) - 1
}

const quarterOf = (samples: readonly Sample[]): Quarter => ({
  from: samples[0]?.at ?? 0,
  to: samples.at(-1)?.at ?? 0,
  median: medianOf(samples.map(({ memory }) => memory)),
  least: Math.min(...samples.map(({ memory }) => memory)),
})

export function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
