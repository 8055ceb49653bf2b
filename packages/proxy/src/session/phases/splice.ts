import type { Instant } from '@sallyport/rules'
import type { Phase } from '../phase.ts'
import type { Session } from '../session.ts'
import { discardPlaintext } from './handshake.ts'

/**
 * The backend has said 220 to the client's STARTTLS: what follows is between the two, and the gate carries octets without a
 * look at them. No check, no reply of ours, no message that could be told from a command: at the end of a drain such a
 * session is cut wherever it stands.
 */
const splice: Phase = {
  name: 'splice',
  opened() {},
  secured() {},
  reply() {},

  work(session, now) {
    for (let chunk = session.lines.takeChunk(); chunk !== null; chunk = session.lines.takeChunk()) {
      session.journal.octetsToBackend += chunk.length
      session.port.message(chunk)
    }
    setDeadline(session, now)
  },

  clientEnded(session, now) {
    session.conclude('passed through', now)
  },

  learnt() {},

  timeout(session, now) {
    session.conclude('timeout', now)
  },

  drain() {},

  backendGone(session, _why, now) {
    session.conclude('passed through', now)
  },
}

/** Either side may be quiet for as long as a server may take over a message. */
function setDeadline(session: Session, now: Instant): void {
  const { waits } = session.house
  session.deadline = Math.min(now + waits.backendFinal, session.startedAt + waits.session)
}

export function enterSplice(session: Session, now: Instant): void {
  discardPlaintext(session)
  session.spliced = true
  session.phase = splice
  setDeadline(session, now)
  // It did not wait for the answer, and says nothing more.
  if (session.clientGone) splice.clientEnded(session, now)
}
