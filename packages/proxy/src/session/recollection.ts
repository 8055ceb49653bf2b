import { type CheckName, type Repute, standingOf } from '@sallyport/rules'
import type { Blocked, Identified, Recalled } from './port.ts'
import type { Session } from './session.ts'

/** What the store knows of the client, or of a name of it that was verified: the checks judge by what that amounts to. */
export function recollect({ tally, plan, facts }: Session, answer: Recalled | Identified): void {
  const { client, network, identity } = facts.reputes ?? { client: null, network: null, identity: null }
  if (answer.ask === 'recall') {
    tally.recall(plan, answer.passed, answer.failed)
    facts.wasTrapped ||= answer.failed.includes('trap-recipient' satisfies CheckName)
    facts.helloBefore = answer.hellos
    facts.cameAgain = answer.passed.includes('greylist' satisfies CheckName)
    facts.reputes = { client: answer.client, network: answer.network, identity }
  } else facts.reputes = { client, network, identity: better(identity, answer.repute) }
  facts.standing = standingOf(facts.reputes)
}

/**
 * The client was blocked while its session is open: what speaks against it by now counts from now on. What it was let in by holds to the end of the session:
 * passes that have expired meanwhile are not asked for again, and nothing that the store says now is to its credit. False: nothing has become known.
 */
export function recollectBlock({ tally, plan, facts }: Session, answer: Blocked): boolean {
  const isTrusted = tally.isVouchedBy('trusted')
  // The operator's word outweighs what others learn.
  if (tally.vouched !== null && !isTrusted) return false
  const isTrapped = answer.failed.includes('trap-recipient' satisfies CheckName)
  // Of its failures this one alone: another, of a session beside this one, would make a first offence here a second.
  if (isTrapped) tally.offend(plan, ['trap-recipient' satisfies CheckName])
  facts.wasTrapped ||= isTrapped
  const { client, network, identity } = answer
  const standing = standingOf({ client, network, identity })
  const { score } = facts.standing ?? { score: 0 }
  // Not by what is left of its trust, which fades from second to second, or is not told by a store that does not answer: it is over when there are
  // points against the client, and one bad neighbour brings none upon whom others trust (standingOf).
  if (standing.score > score || isTrapped) tally.retract('trusted')
  if (standing.score <= score) return true
  facts.reputes = { client, network, identity }
  facts.standing = standing
  return true
}

/** Of several names the one that speaks most for the client counts. */
function better(one: Repute | null, other: Repute | null): Repute | null {
  if (one === null || other === null) return one ?? other
  return one.score <= other.score ? one : other
}
