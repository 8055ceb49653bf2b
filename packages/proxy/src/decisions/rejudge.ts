import {
  type Facts,
  factsFromRecord,
  judgeAgain,
  type Plan,
  type Plans,
  parseAddress,
  Tally,
  type Verdict,
} from '@sallyport/rules'
import type { Decision } from './decision.ts'

/** A recorded session, judged by other plans. */
export interface Rejudged {
  readonly facts: Facts
  readonly plan: Plan
  readonly tally: Tally
  readonly verdict: Verdict
}

/**
 * Judges a record by the plans of a configuration. `amend`: what that configuration itself knows of the client. What a failed check
 * gave points for in a recipient alone is in the worst that was said, as it was in the record.
 */
export function rejudge(decision: Decision, plans: Plans, amend: (facts: Facts) => void = () => {}): Rejudged {
  const facts = factsFromRecord(decision.facts)
  amend(facts)
  const client = parseAddress(decision.client)
  const name = facts.reverse?.kind === 'confirmed' ? facts.reverse.name : null
  const plan =
    client === null
      ? plans.general
      : plans.for({ client, name, hello: facts.hello, recipient: facts.recipient?.domain ?? null })
  const failures: Record<string, string> = {}
  for (const check in decision.outcomes) {
    const text = decision.outcomes[check] ?? ''
    if (text.startsWith('fail: ')) failures[check] = text.slice('fail: '.length)
  }
  const tally = new Tally(plan)
  const { remembered, offended } = decision
  // A balancer's probe is judged by nobody.
  if (decision.verdict === 'health') return { facts, plan, tally, verdict: { action: 'none', cause: null } }
  const voucher = decision.vouched?.replace(/:.*/s, '') ?? null
  return { facts, plan, tally, verdict: judgeAgain({ facts, remembered, offended, failures, voucher }, plan, tally) }
}
