import { growth } from './growth.ts'
import type { Sample } from './sample.ts'

/** What resident memory may grow over the last two thirds. */
const mostGrowth = 0.05

/** What may be there more at rest than before, as a connection of a log or of a scrape that is just being closed. */
const mostMore = 3

/** Of the good clients that came, those that must have been served. */
const leastServed = 0.999

/** Of the clients that were to come, those that may have been kept away as too many were there: else it was not the load that it says. */
const mostKeptAway = 0.05

export interface Soaked {
  /** One each few seconds, under load. */
  readonly samples: readonly Sample[]
  /** At rest, before and after. */
  readonly before: Sample
  readonly after: Sample
  readonly turnout: Turnout
}

/** Who came, and what became of them. */
interface Turnout {
  readonly came: number
  /** Were to come while more were there than a gate that keeps up ever has. */
  readonly keptAway: number
  readonly good: number
  readonly goodServed: number
  /** The rest of the time of all processors that others took, 0 to 1. */
  readonly others: number
}

/** What is wrong; nothing: the soak is passed. */
export function faults({ samples, before, after, turnout }: Soaked): readonly string[] {
  const grown = growth(samples)
  const more = (['descriptors', 'timers', 'resources'] as const).filter(what => after[what] > before[what] + mostMore)
  const away = turnout.keptAway / Math.max(1, turnout.came + turnout.keptAway)
  return [
    ...(grown > mostGrowth ? [`memory grew by ${percent(grown)} over the last two thirds`] : []),
    ...more.map(what => `${what}: ${before[what]} at rest before, ${after[what]} after`),
    ...(servedShare(turnout) < leastServed
      ? [`only ${percent(servedShare(turnout))} of the good clients were served`]
      : []),
    ...(away > mostKeptAway
      ? [
          `${percent(away)} of the clients could not come: it was not the load it was to be; others took ${percent(turnout.others)} of the machine`,
        ]
      : []),
  ]
}

export const servedShare = ({ good, goodServed }: Turnout): number => goodServed / Math.max(1, good)

/** With a digit more than the demand on the good has. */
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
