import type { Instant } from '@sallyport/rules'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import { decoyRefusal, isLured } from '../decoy.ts'
import { noteHeard } from '../heard.ts'
import type { Ending } from '../journal.ts'
import type { Phase } from '../phase.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'
import { lose, outOfStep } from './lost.ts'
import type { Relay } from './relay.ts'
import { Transfer } from './transfer.ts'

/**
 * From the backend's 354 to its reply to the end of data. Between the client's last octet and that reply nothing is cut
 * short: not by a drain, not by the session's own time. To cut there is how duplicates are made.
 */
class Message implements Phase {
  readonly name = 'message'
  private readonly relay: Relay
  private readonly transfer: Transfer

  constructor(session: Session, relay: Relay) {
    this.relay = relay
    this.transfer = new Transfer(session)
  }

  work(session: Session, now: Instant): void {
    if (this.transfer.complete) return noteAhead(session)
    const complete = this.transfer.carry(session)
    if (!complete) {
      this.setDeadline(session, now)
      // It closed its half before it was asked to go on: the rest will never come.
      if (session.clientGone) this.clientEnded(session, now)
      return
    }
    const own = this.transfer.ownReply(session)
    if (own !== null) return this.end(session, own, now)
    session.handedOver = true
    session.expectReply('dot', now)
    session.deadline = now + session.house.waits.backendFinal
    noteAhead(session)
  }

  clientEnded(session: Session, now: Instant): void {
    // A message that was received completely is finished, and its reply sent, first (RFC 9293 3.6: the other half is open).
    if (this.transfer.complete) return
    session.journal.aborted++
    session.conclude('hangup', now)
  }

  learnt(session: Session): void {
    session.judge()
  }

  timeout(session: Session, now: Instant): void {
    const { house, arrival, journal } = session
    if (this.transfer.complete) {
      journal.detail = 'backend: no reply to end of data'
      return this.lose(session, 'timeout', now)
    }
    journal.aborted++
    session.conclude('timeout', now, replies.timeout(house.hostname, arrival.id))
  }

  drain(): void {
    // Its reply comes first; relay lets the client go then.
  }

  opened(): void {}
  secured(): void {}

  reply(session: Session, reply: Reply, now: Instant): void {
    const { transfer } = this
    if (!transfer.complete) {
      // Before the end of the message nothing it says can be the reply to it.
      session.journal.backendSaid(reply)
      session.journal.detail = 'backend: a reply before the end of data'
      session.abandon()
      transfer.discard('lost')
      return
    }
    if (!isPositive(reply) && !isNegative(reply)) {
      session.journal.deferred++
      return outOfStep(session, `${reply.code} to end of data`, now)
    }
    session.handedOver = false
    session.commandsSinceMessage = 0
    if (isPositive(reply) && !isLured(session)) session.facts.junkCommands = 0
    noteHeard(session, 'dot', reply)
    this.relay.endMessage(session)
    this.relay.resume(session, account(session, reply), now)
  }

  backendGone(session: Session, why: string, now: Instant): void {
    session.journal.detail = `backend: ${why}`
    // The client hears of it where it listens: after its end of data.
    if (!this.transfer.complete) this.transfer.discard('lost')
    else this.lose(session, 'backend closed', now)
  }

  /** The backend has the message whole and does not answer: it may be in its queue; to its sender it is deferred. */
  private lose(session: Session, ending: Ending, now: Instant): void {
    session.journal.deferred++
    lose(session, ending, now)
  }

  /** The message stops here; so does the connection behind, which waits for the rest of it. */
  private end(session: Session, own: string, now: Instant): void {
    session.journal.refusal(own)
    if (own.startsWith('5')) session.journal.refused++
    else session.journal.deferred++
    session.conclude(this.transfer.lost ? 'backend closed' : 'verdict', now, own)
  }

  private setDeadline(session: Session, now: Instant): void {
    const { waits } = session.house
    session.deadline = Math.min(now + waits.data, session.startedAt + waits.session)
  }
}

/** Notes what became of the message, and gives what the client hears. Whatever a decoy says, nobody has it. */
function account(session: Session, reply: Reply): string {
  const { journal } = session
  if (!isLured(session)) {
    journal.message(reply)
    return reply.text
  }
  journal.refused++
  return journal.refusal(decoyRefusal(session))
}

/**
 * Behind the end of data PIPELINING decides, but for QUIT: too many honest senders say it without waiting, and it asks for
 * nothing (smtpf exempts it for the same reason).
 */
function noteAhead(session: Session): void {
  if (session.isDone || session.pipeliningOffered) return
  if ('QUIT'.startsWith(session.lines.peekTalk(4).toUpperCase())) return
  if (session.noteAhead('END-OF-DATA')) session.judge()
}

/** The backend has said 354. */
export function enterMessage(session: Session, relay: Relay, now: Instant): void {
  const message = new Message(session, relay)
  session.phase = message
  message.work(session, now)
}
