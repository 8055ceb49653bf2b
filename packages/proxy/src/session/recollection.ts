import { type Repute, standingOf } from '@sallyport/rules'
import type { Recalled } from './port.ts'
import type { Session } from './session.ts'

/** What the store knows of the client. */
export function recollect({ tally, plan, facts }: Session, { passed, failed, client, network }: Recalled): void {
  tally.recall(plan, passed, failed)
  facts.reputes = { client, network, identity: facts.reputes?.identity ?? null }
  facts.standing = standingOf(facts.reputes)
}

/** What the store knows of a name of the client that was verified; of several, the one that speaks most for it counts. */
export function recollectIdentity({ facts }: Session, repute: Repute | null): void {
  const { client, network, identity } = facts.reputes ?? { client: null, network: null, identity: null }
  const isBetter = repute !== null && (identity === null || repute.score < identity.score)
  facts.reputes = { client, network, identity: isBetter ? repute : identity }
  facts.standing = standingOf(facts.reputes)
}
