import type { Tally } from './judge.ts'
import type { Plan } from './policy.ts'

/** What one session leaves in the client's record: names of checks, each with the seconds for which it holds. */
export interface Lesson {
  readonly passed: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, number>>
}

/**
 * What a session has earned its client. A session that was deferred, refused or dropped earns no pass (postscreen's rule),
 * only the offences; a check that merely observes teaches nothing against anybody. A pass that is still remembered is not
 * renewed, so that each check is run again at the end of its ttl. Under a voucher nothing was tested, so nothing is learnt.
 * null: nothing to write.
 */
export function lessonOf(plan: Plan, tally: Tally): Lesson | null {
  if (tally.vouched !== null) return null
  const passed: Record<string, number> = {}
  const failed: Record<string, number> = {}
  let empty = true
  plan.checks.forEach((planned, i) => {
    const outcome = tally.outcomes[i]
    if (outcome?.kind === 'fail' && planned.check.ttl > 0 && tally.actionFor(planned, i) !== 'observe') {
      failed[planned.name] = plan.offenceTtl
      empty = false
    }
    if (outcome?.kind === 'pass' && tally.verdict.action === 'none' && planned.ttl > 0 && !tally.isRemembered(i)) {
      passed[planned.name] = Math.min(planned.ttl, outcome.ttl ?? planned.ttl)
      empty = false
    }
  })
  return empty ? null : { passed, failed }
}
