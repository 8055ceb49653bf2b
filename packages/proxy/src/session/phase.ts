import type { Instant } from '@sallyport/rules'
import type { Reply } from '../smtp/reply.ts'
import type { Answer, Attempt } from './port.ts'
import type { Session } from './session.ts'

type PhaseName =
  | 'recall'
  | 'greet'
  | 'command'
  | 'hold'
  | 'lines'
  | 'handshake'
  | 'opening'
  | 'relay'
  | 'exchange'
  | 'chunk'
  | 'message'
  | 'splice'
  | 'trap'
  | 'done'

/**
 * A stretch of a session's life. Every input is dealt with in every phase: the compiler asks what it means *here*. Phases
 * that hold nothing are shared by all sessions; what one does hold goes when the phase goes.
 */
export interface Phase {
  readonly name: PhaseName
  /** What is begun and not said to its end: the last word comes behind it. */
  readonly unsaid?: string
  /** The client's octets wait in `session.lines`. */
  work(session: Session, now: Instant): void
  /** The client has closed its side; what it sent before is in `session.lines`. */
  clientEnded(session: Session, now: Instant): void
  /** What was asked has become known: see `session.facts` and `session.tally`. */
  learnt(session: Session, asked: Answer['ask'], now: Instant): void
  /** The session's deadline has come. */
  timeout(session: Session, now: Instant): void
  /** The gate is about to stop: let the client go at the next command boundary. */
  drain(session: Session, now: Instant): void
  /** The connection to the backend stands. */
  opened(session: Session, attempt: Attempt, now: Instant): void
  /** TLS stands with the client, or with the backend. */
  secured(session: Session, side: 'client' | 'backend', now: Instant): void
  /** A whole reply of the backend. */
  reply(session: Session, reply: Reply, now: Instant): void
  /** The connection to the backend is gone, or its octets are no replies. */
  backendGone(session: Session, why: string, now: Instant): void
}

/** For the phases in which there is no backend, and no TLS about to be. */
export const withoutBackend: Pick<Phase, 'opened' | 'secured' | 'reply' | 'backendGone'> = {
  opened() {},
  secured() {},
  reply() {},
  backendGone() {},
}
