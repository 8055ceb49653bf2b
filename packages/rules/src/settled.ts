import type { Question, Stage } from './check.ts'
import type { Facts } from './facts.ts'
import type { Plan } from './policy.ts'
import type { Tally } from './tally.ts'

/**
 * Whether nothing that is to be settled by the end of `stage` is still open. Checks that only observe are not waited for:
 * observing costs the client nothing. (The greet pause itself is the operator's setting, not a check's.)
 */
export function isSettled(stage: Stage, plan: Plan, tally: Tally): boolean {
  if (tally.vouched !== null) return true
  return plan.checks.every((planned, i) => {
    if (!isDue(planned.settles, stage)) return true
    if (tally.outcomes[i]?.kind !== 'todo' || tally.isRemembered(i)) return true
    return tally.actionFor(planned, i) === 'observe'
  })
}

/** Whether something that was asked about the client or its sender has not been answered, and would decide. */
export function isWaiting(facts: Facts, plan: Plan, tally: Tally): boolean {
  if (tally.vouched !== null) return false
  return plan.checks.some((planned, i) => {
    const { asks, scope, options } = planned
    if (asks === null || scope === 'recipient') return false
    if (tally.isRemembered(i) || tally.actionFor(planned, i) === 'observe') return false
    const outcome = scope === 'transaction' ? planned.test(facts, options) : tally.outcomes[i]
    return outcome?.kind === 'todo'
  })
}

/** Whether some check needs the answer to the question: it has not been passed before, and nobody vouched. */
export function isAsked(question: Question, plan: Plan, tally: Tally): boolean {
  if (tally.vouched !== null) return false
  return plan.checks.some(({ asks }, i) => asks === question && !tally.isRemembered(i))
}

const order: Readonly<Record<Stage, number>> = { recall: 0, greet: 1, command: 2, message: 3 }

function isDue(settles: Stage, stage: Stage): boolean {
  return order[settles] <= order[stage]
}
