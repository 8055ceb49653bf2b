import { type Check, fail, type Outcome } from './check.ts'
import type { Facts } from './facts.ts'
import type { Plan, PlannedCheck } from './policy.ts'
import type { Tally } from './tally.ts'
import { isWorse, none, Sum, type Verdict } from './verdict.ts'

/**
 * Runs every check of the session that is still open over the facts and forms the verdict. Thirty function calls after each input cost
 * less than any bookkeeping of what changed would: under 2 % of a relayed session (profile of `npm run bench -- relay`, Node 20). The allow list and a login beat everything; any other voucher counts only when nothing
 * has failed yet, wherever in the plan it stands, and not while its check only observes. So but for a login a verdict never becomes milder
 * within one transaction.
 */
export function judge(facts: Facts, plan: Plan, tally: Tally): Verdict {
  if (tally.vouched !== null) return none
  const sum = new Sum()
  let vouched: string | null = null
  for (let i = 0; i < plan.checks.length; i++) {
    const planned = plan.checks[i] as PlannedCheck
    if (planned.scope === 'recipient') continue
    let outcome = tally.outcomes[i] as Outcome
    if (outcome.kind !== 'fail') {
      outcome = planned.test(facts, planned.options)
      tally.outcomes[i] = outcome
    } else if (planned.scope === 'transaction') outcome = planned.test(facts, planned.options)
    const action = tally.actionFor(planned, i)
    if (outcome.kind === 'vouch') {
      const reason = `${planned.name}: ${outcome.why}`
      if (planned.check.vouches === 'for all') return acquit(tally, reason)
      if (action !== 'observe') vouched ??= reason
    }
    if (outcome.kind === 'fail') sum.add(planned, action, outcome.why, facts)
  }
  if (vouched !== null && sum.worst === 0 && sum.heaviest === null) return acquit(tally, vouched)
  tally.score = sum.score
  tally.verdict = sum.conclude(plan, facts)
  return tally.verdict
}

/**
 * The verdict for the recipient that is asked for now, by the plan that holds for it: what the checks of the session have said, and
 * what those of recipients say of this one. It binds no other recipient, nor the message: of those that failed for any, the outcome
 * is kept for the log.
 */
export function judgeRecipient(facts: Facts, plan: Plan, tally: Tally): Verdict {
  if (tally.vouched !== null) return none
  const sum = new Sum()
  for (let i = 0; i < plan.checks.length; i++) {
    const planned = plan.checks[i] as PlannedCheck
    let outcome = tally.outcomes[i] as Outcome
    if (planned.scope !== 'session') {
      const before = outcome
      outcome = planned.test(facts, planned.options)
      if (before.kind !== 'fail') tally.outcomes[i] = outcome
    }
    if (outcome.kind === 'fail') sum.add(planned, tally.actionFor(planned, i), outcome.why, facts)
  }
  return sum.conclude(plan, facts)
}

/** What is recorded of a session that is over: names of checks, and why those that failed did. */
export interface Past {
  readonly facts: Facts
  readonly remembered: readonly string[]
  readonly offended: readonly string[]
  readonly failures: Readonly<Record<string, string>>
  /** The check that vouched for the client, before anything could fail; null: none did. */
  readonly voucher: string | null
}

/**
 * The verdict that the facts of a session lead to under this plan: the worst that it, or one of its recipients, would have heard. What
 * is recorded as a failure stays one where the facts cannot show it and no option could undo it: that of a recipient, or of a transaction, among others.
 */
export function judgeAgain(
  { facts, remembered, offended, failures, voucher }: Past,
  plan: Plan,
  tally: Tally,
): Verdict {
  tally.recall(plan, remembered, offended)
  const vouching = plan.checks.find(({ name, action }) => name === voucher && action !== 'observe')
  const vouched = vouching?.test(facts, vouching.options)
  // What it did afterwards was tested by nobody.
  if (vouched?.kind === 'vouch') return acquit(tally, `${voucher}: ${vouched.why}`)
  plan.checks.forEach(({ name, check, options }, i) => {
    const why = Object.hasOwn(failures, name) ? failures[name] : undefined
    if (why !== undefined && stands(check, facts, options)) tally.outcomes[i] = fail(why)
  })
  const general = judge(facts, plan, tally)
  if (tally.vouched !== null) return none
  const sum = new Sum()
  plan.checks.forEach((planned, i) => {
    const outcome = tally.outcomes[i]
    if (outcome?.kind === 'fail') sum.add(planned, tally.actionFor(planned, i), outcome.why, facts)
  })
  const worst = sum.conclude(plan, facts)
  return isWorse(worst, general) ? worst : general
}

function stands(check: Check, facts: Facts, options: Readonly<Record<string, number>>): boolean {
  if (check.scope !== undefined) return true
  return Object.keys(check.options).length === 0 && check.test(facts, options).kind !== 'pass'
}

function acquit(tally: Tally, reason: string): Verdict {
  tally.vouched = reason
  tally.verdict = none
  return none
}
