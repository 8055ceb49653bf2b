import { growth } from './growth.ts'
import type { Soak } from './soak.ts'
import { percent, servedShare } from './verdict.ts'

/** The soak in a few words, a line each. */
export function summary(
  { samples, before, after, turnout, capacities, rate }: Soak,
  minutes: number,
): readonly string[] {
  const most = (what: 'memory' | 'descriptors' | 'timers') => Math.max(...samples.map(each => each[what])).toFixed(0)
  const [least = 0, greatest = 0] = [capacities.at(0), capacities.at(-1)]
  return [
    `${minutes} min at ${rate.toFixed(0)} clients a second, 60 % of what the gate could do (${capacities.length} measures, from ${least.toFixed(0)} to ${greatest.toFixed(0)})`,
    `good clients served: ${percent(servedShare(turnout))} of ${turnout.good}; kept away: ${turnout.keptAway} of ${turnout.came + turnout.keptAway} clients; others took ${percent(turnout.others)} of the machine`,
    `memory at most ${most('memory')} MB, over the last two thirds ${percent(growth(samples))}`,
    `descriptors at rest ${before.descriptors} before, ${after.descriptors} after, at most ${most('descriptors')}; timers ${before.timers}, ${after.timers}, ${most('timers')}`,
  ]
}
