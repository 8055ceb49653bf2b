import {
  type Facts,
  factsFromRecord,
  isWorse,
  judgeAgain,
  type Past,
  type Plan,
  type Plans,
  parseAddress,
  Tally,
  type Verdict,
} from '@sallyport/rules'
import { domainOf } from '../smtp/path.ts'
import type { Decision } from './decision.ts'

/** A recorded session, judged by other plans. */
export interface Rejudged {
  readonly facts: Facts
  readonly plan: Plan
  readonly tally: Tally
  readonly verdict: Verdict
}

/**
 * Judges a record by the plans of a configuration, for the session and for each recipient that is recorded, since some may have
 * exceptions; the worst counts, as it does in the record. What was disarmed then is so again: it was no choice of the configuration's. `amend`: what that configuration itself knows of the client.
 */
export function rejudge(decision: Decision, plans: Plans, amend: (facts: Facts) => void = () => {}): Rejudged {
  const facts = factsFromRecord(decision.facts)
  amend(facts)
  const client = parseAddress(decision.client)
  const name = facts.reverse?.kind === 'confirmed' ? facts.reverse.name : null
  const planFor = (recipient: string | null): Plan =>
    client === null ? plans.general : plans.for({ client, name, hello: facts.hello, recipient })
  const general = planFor(null)
  const past = pastOf(decision, facts)
  // A balancer's probe is judged by nobody.
  if (past === null)
    return { facts, plan: general, tally: new Tally(general), verdict: { action: 'none', cause: null } }
  const disarmed = new Set(decision.disarmed)
  let worst = judged(past, general, disarmed)
  if (!plans.usesRecipients) return worst
  for (const domain of new Set(decision.to.map(domainOf))) {
    const plan = planFor(domain.toLowerCase())
    const again = plan === general ? worst : judged(past, plan, disarmed)
    if (isWorse(again.verdict, worst.verdict)) worst = again
  }
  return worst
}

function judged(past: Past, plan: Plan, disarmed: ReadonlySet<string>): Rejudged {
  const tally = new Tally(plan, disarmed)
  return { facts: past.facts, plan, tally, verdict: judgeAgain(past, plan, tally) }
}

function pastOf({ verdict, outcomes, vouched, remembered, offended }: Decision, facts: Facts): Past | null {
  if (verdict === 'health') return null
  const failures: Record<string, string> = {}
  for (const check in outcomes) {
    const text = outcomes[check] ?? ''
    if (text.startsWith('fail: ')) failures[check] = text.slice('fail: '.length)
  }
  return { facts, remembered, offended, failures, voucher: vouched?.replace(/:.*/s, '') ?? null }
}
