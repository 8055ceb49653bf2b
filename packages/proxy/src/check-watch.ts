import {
  type ArmingChange,
  type BreakerLimits,
  Breakers,
  type CheckName,
  Deferrals,
  type Instant,
  identitiesOf,
  Ledger,
  networkKey,
  never,
  type PrecisionWord,
  precisionOf,
} from '@sallyport/rules'
import type { Metrics } from './metrics.ts'
import { isLured } from './session/decoy.ts'
import type { Session } from './session/session.ts'

/** Told of a check that is disarmed, and of one that acts again. */
type ArmingObserver = (change: ArmingChange) => void

/** What the checks have done in this process: how right they were, what they saved and cost, and which may act. */
export class CheckWatch {
  readonly ledger = new Ledger()
  readonly breakers: Breakers
  private readonly deferrals = new Deferrals()

  constructor(limits: BreakerLimits | null, onChange: ArmingObserver) {
    this.breakers = new Breakers(limits, onChange)
  }

  /** A session has ended. `isBelieved`: the backend's refusals say something. */
  note(session: Session, metrics: Metrics, now: Instant, isBelieved: boolean): void {
    const { plan, tally, facts, journal, arrival } = session
    const { recipients } = journal
    const { transactions } = facts
    const cause = causeOf(session)
    const isOpened = journal.openedAt !== never && !isLured(session)
    const found = precisionOf(plan, tally, journal.aftermath, { recipients, transactions })
    this.ledger.note({
      plan,
      tally,
      precision: isBelieved ? found : found.map(({ check, word }) => ({ check, word: withoutTrue(word) })),
      cause,
      backend: isOpened
        ? { octets: journal.octetsToBackend, seconds: (journal.endedAt - journal.openedAt) / 1000 }
        : null,
    })
    const { client, proxy } = arrival
    const name = identitiesOf(facts, client)[0] ?? null
    this.breakers.note({ plan, tally, facts, network: networkKey(client), name, proxy }, now)
    this.noteDelays(session, cause, metrics, now)
  }

  /** What a client waited whose mail was accepted; and that it now has to wait, for the day when it is. */
  private noteDelays(session: Session, cause: CheckName | null, metrics: Metrics, now: Instant): void {
    const { journal, startedAt, facts } = session
    if (journal.recipients === 0) return
    if (cause !== null && journal.gateReply?.startsWith('4')) this.deferrals.deferred(keyOf(session), cause, now)
    if (journal.accepted === 0) return
    if (facts.greetWait > 0 && facts.greeted)
      metrics.checkDelay.observe('pregreet', (journal.greetedAt - startedAt) / 1000)
    if (journal.waited > 0) metrics.checkDelay.observe('delays', journal.waited / 1000)
    const deferred = this.deferrals.size === 0 ? null : this.deferrals.accepted(keyOf(session), now)
    if (deferred !== null) metrics.checkDelay.observe(deferred.check, deferred.wait / 1000)
  }
}

/** A backend that refuses everybody proves no check right; one that takes a message all the same may prove it wrong. */
const withoutTrue = (word: PrecisionWord): PrecisionWord => (word === 'true' ? 'unknown' : word)

/** The check for which the session, or a recipient of it, was turned away; null: none was. */
function causeOf({ tally, journal }: Session): CheckName | null {
  return journal.worst(tally.verdict).cause?.check ?? null
}

/** Who writes whom, as a sender that comes again says it: from another server of its network, perhaps. */
function keyOf({ arrival, journal }: Session): string {
  return `${networkKey(arrival.client)} ${journal.reversePath ?? ''} ${journal.forwardPaths?.[0] ?? ''}`
}
