import { type CheckName, type Repute, standingOf } from '@sallyport/rules'
import type { Identified, Recalled } from './port.ts'
import type { Session } from './session.ts'

/** What the store knows of the client, or of a name of it that was verified: the checks judge by what that amounts to. */
export function recollect({ tally, plan, facts }: Session, answer: Recalled | Identified): void {
  const { client, network, identity } = facts.reputes ?? { client: null, network: null, identity: null }
  if (answer.ask === 'recall') {
    tally.recall(plan, answer.passed, answer.failed)
    facts.wasTrapped = answer.failed.includes('trap-recipient' satisfies CheckName)
    facts.helloBefore = answer.hellos
    facts.cameAgain = answer.passed.includes('greylist' satisfies CheckName)
    facts.reputes = { client: answer.client, network: answer.network, identity }
  } else facts.reputes = { client, network, identity: better(identity, answer.repute) }
  facts.standing = standingOf(facts.reputes)
}

/** Of several names the one that speaks most for the client counts. */
function better(one: Repute | null, other: Repute | null): Repute | null {
  if (one === null || other === null) return one ?? other
  return one.score <= other.score ? one : other
}
