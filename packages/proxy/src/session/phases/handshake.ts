import type { Instant } from '@sallyport/rules'
import type { Phase } from '../phase.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'
import { enterCommand } from './command.ts'

/**
 * From our 220 to STARTTLS until TLS stands. Whatever the client sent behind its STARTTLS came in the clear, from itself or from
 * somebody between us, and is forgotten (RFC 3207 4.2, CVE-2011-0411); so is all that it said before. A backend that was open
 * already heard it in the clear, and is let go.
 */
const handshake: Phase = {
  name: 'handshake',
  opened() {},
  reply() {},
  backendGone() {},

  work(session) {
    discardPlaintext(session)
  },

  clientEnded(session, now) {
    session.journal.detail = 'in the TLS handshake'
    session.conclude('hangup', now)
  },

  learnt(session) {
    session.judge()
  },

  timeout(session, now) {
    session.journal.detail = 'in the TLS handshake'
    session.conclude('timeout', now)
  },

  drain() {
    // It could not be told. It has only just come: when TLS stands it may come to the end of one message.
  },

  secured(session, _side, now) {
    enterCommand(session, now)
  },
}

export function enterHandshake(session: Session, now: Instant): void {
  if (session.clientGone) return session.conclude('hangup', now)
  session.abandon()
  session.hello = null
  session.endTransaction()
  session.pipeliningOffered = false
  session.port.send(replies.readyForTls)
  discardPlaintext(session)
  session.phase = handshake
  session.deadline = now + session.house.waits.tlsHandshake
  session.port.secureClient()
}

/** What waits behind a STARTTLS is counted and thrown away, stray line ends as well. */
export function discardPlaintext(session: Session): void {
  session.facts.plaintextDiscarded += session.lines.pending
  session.lines.clear()
}
