import type { Instant } from '@sallyport/rules'
import { type Command, isUseful, type Verb } from '../../smtp/command.ts'
import { filterEhlo } from '../../smtp/keywords.ts'
import { isRecipientOf, parsePath } from '../../smtp/path.ts'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import { answerWithheld, junk, nextCommand, noteHello, refuse } from '../dialogue.ts'
import type { Phase } from '../phase.ts'
import type { Asked } from '../port.ts'
import { replies, verdictReply } from '../replies.ts'
import type { Session } from '../session.ts'
import { denyRelay } from './command.ts'
import { lose, outOfStep } from './lost.ts'
import { enterMessage } from './message.ts'

/**
 * The backend is behind, and every reply is its own. Commands go over one at a time: the next is not even looked at until
 * the reply to the last has been passed on, so replies cannot be matched wrongly, and whether octets behind DATA are a
 * message is decided by the backend's 354 and nothing else. The gate stands near its backend; the round trips are short.
 *
 * Road not taken: passing pipelined groups on at once. It saves those short trips, and brings back every way in which front
 * and back can disagree about who said what to which command.
 */
class Relay implements Phase {
  readonly name = 'relay'
  /** The command whose reply is outstanding; null: it is the client's turn. */
  private awaiting: Verb | null = null
  /** A recipient of this transaction has the backend's 2xx. */
  private hasRecipient = false

  constructor(hasRecipient: boolean) {
    this.hasRecipient = hasRecipient
  }

  work(session: Session, now: Instant): void {
    while (this.awaiting === null) {
      const command = nextCommand(session, now)
      if (command === null) return
      this.command(session, command, now)
      if (session.isDone) return
      if (this.awaiting === null) this.setDeadline(session, now, session.house.waits.command)
    }
    this.noteAhead(session)
  }

  clientEnded(session: Session, now: Instant): void {
    // What was received completely is finished, and its reply sent, first (RFC 9293 3.6: the other half is open).
    if (this.awaiting === null) session.conclude('hangup', now)
  }

  learnt(session: Session): void {
    session.judge()
  }

  timeout(session: Session, now: Instant): void {
    const { house, arrival } = session
    if (this.awaiting === null) {
      session.conclude('timeout', now, replies.timeout(house.hostname, arrival.id))
      return
    }
    session.journal.detail = `backend: no reply to ${this.awaiting}`
    lose(session, 'timeout', now)
  }

  drain(session: Session, now: Instant): void {
    if (this.awaiting === null) this.sendAway(session, now)
  }

  opened(): void {}

  reply(session: Session, reply: Reply, now: Instant): void {
    const { awaiting } = this
    if (awaiting === null) return this.unasked(session, reply, now)
    this.awaiting = null
    const goAhead = reply.code === 354 && awaiting === 'DATA' && !session.backendAhead
    if (!goAhead && !isNegative(reply) && (awaiting === 'DATA' || !isPositive(reply))) {
      return outOfStep(session, `${reply.code} to ${awaiting}`, now)
    }
    session.port.send(awaiting === 'EHLO' && isPositive(reply) ? this.ehlo(session, reply) : reply.text)
    this.account(session, awaiting, reply)
    if (reply.code === 421) return session.conclude('backend closed', now)
    if (awaiting === 'QUIT') return session.conclude('quit', now)
    if (awaiting === 'DATA') {
      if (goAhead) return enterMessage(session, now)
      // What a client sent behind a DATA that was refused is a message, and must not be taken for commands.
      if (session.lines.hasTalk()) {
        const { house, arrival } = session
        return session.conclude('data without recipient', now, replies.goAhead(house.hostname, arrival.id))
      }
    }
    this.next(session, now)
  }

  backendGone(session: Session, why: string, now: Instant): void {
    session.journal.detail = `backend: ${why}`
    lose(session, 'backend closed', now)
  }

  /** The client's turn again: go on with what waits, or go. */
  next(session: Session, now: Instant): void {
    if (session.draining) return this.sendAway(session, now)
    this.setDeadline(session, now, session.house.waits.command)
    // What the backend said beyond its reply is looked at first: it may be 421.
    if (session.repliesWaiting > 0) return
    this.work(session, now)
    if (session.isDone || !session.clientGone) return
    if (this.awaiting === null) session.conclude('hangup', now)
  }

  private command(session: Session, command: Command, now: Instant): void {
    if (answerWithheld(session, command, now)) return
    const { verb } = command
    if (verb === 'RCPT' && this.rcpt(session, command)) return
    if (verb === 'DATA' && this.data(session, now)) return
    if (verb === 'MAIL') session.journal.sender(parsePath('FROM', command.argument)?.path ?? '')
    noteHello(session, command)
    if (session.backendAhead) return outOfStep(session, `it spoke before ${verb}`, now)
    session.port.command(`${command.line}\r\n`)
    this.awaiting = verb
    session.expectReply(asked[verb] ?? 'other', now)
    this.setDeadline(session, now, session.house.waits.backendReply)
  }

  /** True: answered by the gate. */
  private rcpt(session: Session, command: Command): boolean {
    const recipient = parsePath('TO', command.argument)
    session.journal.recipient(recipient?.path ?? '')
    if (refuse(session)) return true
    const domains = session.house.recipientDomains
    if (domains === null || (recipient !== null && isRecipientOf(domains, recipient))) return false
    denyRelay(session)
    return true
  }

  /** A client that has failed meanwhile gets no 354; true: answered by the gate. */
  private data(session: Session, now: Instant): boolean {
    const { verdict } = session.tally
    if (verdict.action === 'none' || !this.hasRecipient) return false
    const text = verdictReply(verdict, session.arrival.id)
    session.journal.refusal(text)
    // It may well send the message unasked.
    session.conclude('verdict', now, text)
    return true
  }

  private ehlo(session: Session, reply: Reply): string {
    session.pipeliningOffered = session.tally.hasPassed(session.house.plan, 'pipelining')
    return filterEhlo(reply, session.pipeliningOffered)
  }

  private account(session: Session, verb: Verb, reply: Reply): void {
    const good = isPositive(reply)
    if (!good && reply.code !== 354) session.journal.backendSaid(reply)
    if (verb === 'RCPT') this.hasRecipient ||= good
    else if (verb === 'MAIL' || verb === 'RSET' || verb === 'EHLO' || verb === 'HELO') this.hasRecipient = false
    if (verb === 'HELO') session.pipeliningOffered = false
    if (reply.code >= 500 && verb !== 'RCPT' && verb !== 'DATA' && isUseful(verb)) junk(session)
  }

  /** A reply to nothing. 421 is how a server says that it leaves (RFC 5321 3.8); anything else is out of step. */
  private unasked(session: Session, reply: Reply, now: Instant): void {
    session.journal.backendSaid(reply)
    if (reply.code === 421) {
      session.port.send(reply.text)
      return session.conclude('backend closed', now)
    }
    outOfStep(session, `${reply.code} to nothing`, now)
  }

  private noteAhead(session: Session): void {
    if (session.isDone || session.pipeliningOffered) return
    if (this.awaiting !== null && session.noteAhead(this.awaiting)) session.judge()
  }

  private sendAway(session: Session, now: Instant): void {
    session.conclude('drain', now, replies.shuttingDown(session.house.hostname, session.arrival.id))
  }

  private setDeadline(session: Session, now: Instant, wait: number): void {
    session.deadline = Math.min(now + wait, session.startedAt + session.house.waits.session)
  }
}

const asked: { readonly [V in Verb]?: Asked } = {
  EHLO: 'hello',
  HELO: 'hello',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
}

/**
 * After the backend's reply to the first RCPT, or to a message: `reply` is passed on, and the client may go on. `hasRecipient`:
 * the transaction has one that the backend takes.
 */
export function enterRelay(session: Session, reply: Reply, hasRecipient: boolean, now: Instant): void {
  const relay = new Relay(hasRecipient)
  session.phase = relay
  session.port.send(reply.text)
  if (reply.code === 421) session.conclude('backend closed', now)
  else relay.next(session, now)
}
