import type { Instant } from '@sallyport/rules'
import type { Ending } from '../journal.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'

/** The backend is of no more use: the client hears 421, whatever it had asked. */
export function lose(session: Session, ending: Ending, now: Instant): void {
  session.conclude(ending, now, replies.backendLost(session.house.hostname, session.arrival.id))
}

/** A reply that does not answer what was asked: from here on nothing could be trusted to answer what it follows. */
export function outOfStep(session: Session, what: string, now: Instant): void {
  session.journal.detail = `backend: ${what}`
  lose(session, 'backend out of step', now)
}
