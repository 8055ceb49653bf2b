import type { Instant } from '@sallyport/rules'
import { printable, withoutSecrets } from '../../smtp/octets.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'

/** Octets in our turn: noted, and left where they are. They are the client's first commands if it comes to that. */
export function notePregreet(session: Session, now: Instant): void {
  const { facts, lines } = session
  if (!lines.hasTalk()) return
  if (facts.pregreetBytes === 0) {
    facts.pregreetAfter = now - session.startedAt
    facts.pregreetText = printable(withoutSecrets(lines.peek(100)), 100)
  }
  facts.pregreetBytes = lines.pending
}

/** The gate stops, and nothing has been promised to the client that could not be said again. */
export function sendAway(session: Session, now: Instant): void {
  session.conclude('drain', now, replies.shuttingDown(session.house.hostname, session.arrival.id))
}
