import type { Instant } from '@sallyport/rules'
import type { Command, Verb } from '../../smtp/command.ts'
import { filterEhlo } from '../../smtp/keywords.ts'
import { parsePath } from '../../smtp/path.ts'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import type { ChunkedContent } from '../content.ts'
import { besideDecoy, inOwnWords, isLured } from '../decoy.ts'
import { nextCommand } from '../dialogue.ts'
import { answerAlways } from '../own-answers.ts'
import type { Phase } from '../phase.ts'
import type { Asked } from '../port.ts'
import { replies, verdictReply } from '../replies.ts'
import { forbidding } from '../screening.ts'
import type { Session } from '../session.ts'
import { commandWait, mayGo, replyWait, viewOf } from '../standing.ts'
import { account } from './account.ts'
import { carryChunk } from './bdat.ts'
import { sendAway } from './early.ts'
import { enterExchange } from './exchange.ts'
import { holdBack } from './hold.ts'
import { lose, outOfStep } from './lost.ts'
import { enterMessage } from './message.ts'
import { relayRecipient } from './recipient.ts'
import { enterSplice } from './splice.ts'

/**
 * The backend is behind, and every reply is its own. Commands go over one at a time: the next is not even looked at until
 * the reply to the last has been passed on, so replies cannot be matched wrongly, and whether octets behind DATA are a
 * message is decided by the backend's 354 and nothing else. The gate stands near its backend; the round trips are short.
 *
 * Road not taken: passing pipelined groups on at once. It saves those short trips, and brings back every way in which front
 * and back can disagree about who said what to which command.
 */
export class Relay implements Phase {
  readonly name = 'relay'
  /** The command whose reply is outstanding; null: it is the client's turn. */
  private awaiting: Command | null = null
  /** A recipient of this transaction has the backend's 2xx. */
  hasRecipient = false
  /** The backend has been asked for a recipient of this transaction. */
  hasAsked = false
  /** The first chunks of a message are over, and its last is not. */
  midMessage = false
  /** Of the chunks of a message. */
  content: ChunkedContent | null = null

  work(session: Session, now: Instant): void {
    while (this.awaiting === null) {
      const command = nextCommand(session, now)
      if (command === null) return
      if (holdBack(session, command, this, now, later => this.goOn(session, command, later))) return
      this.command(session, command, now)
      if (session.phase !== this) return
      if (this.awaiting === null) this.setDeadline(session, now, commandWait(session))
    }
    this.noteAhead(session)
  }

  /** The client has waited long enough. */
  private goOn(session: Session, command: Command, now: Instant): void {
    this.command(session, command, now)
    if (session.phase === this && this.awaiting === null) this.next(session, now)
  }

  clientEnded(session: Session, now: Instant): void {
    // What was received completely is finished, and its reply sent, first (RFC 9293 3.6: the other half is open).
    if (this.awaiting === null) this.hangUp(session, now)
  }

  learnt(session: Session): void {
    session.judge()
  }

  timeout(session: Session, now: Instant): void {
    const { house, arrival } = session
    if (this.awaiting === null) {
      if (session.draining) return sendAway(session, now)
      session.conclude('timeout', now, replies.timeout(house.hostname, arrival.id))
      return
    }
    session.journal.detail = `backend: no reply to ${nameOf(this.awaiting)}`
    lose(session, 'timeout', now)
  }

  drain(session: Session, now: Instant): void {
    if (mayGo(session) && this.awaiting === null) sendAway(session, now)
    else if (this.awaiting === null) this.setDeadline(session, now, commandWait(session))
  }

  opened(): void {}
  secured(): void {}

  reply(session: Session, reply: Reply, now: Instant): void {
    const { awaiting } = this
    if (awaiting === null) return this.unasked(session, reply, now)
    this.awaiting = null
    const { verb } = awaiting
    const goAhead = !session.backendAhead && reply.code === goAheads[verb]
    if (!goAhead && !isNegative(reply) && (verb === 'DATA' || !isPositive(reply))) {
      return outOfStep(session, `${reply.code} to ${nameOf(awaiting)}`, now)
    }
    // Whoever is let in as the client must not have come by anything that was said in the clear.
    if (verb === 'STARTTLS' && isPositive(reply) && !goAhead)
      return outOfStep(session, `${reply.code} to STARTTLS`, now)
    // It did not wait, or the lists have answered since: unseen it would get past its refusal.
    if (verb === 'STARTTLS' && goAhead && session.judge().action !== 'none')
      return session.conclude('verdict', now, replies.noTlsNow)
    const isHello = verb === 'EHLO' && isPositive(reply)
    if (isHello) session.pipeliningOffered = session.tally.hasPassed(session.plan, 'pipelining')
    const text = isHello ? filterEhlo(reply, viewOf(session)) : reply.text
    session.port.send(isLured(session) ? inOwnWords(session, verb, reply) : text)
    account(session, this, awaiting, reply)
    if (reply.code === 421) return session.conclude('backend closed', now)
    if (verb === 'QUIT') return session.conclude('quit', now)
    if (goAhead) return this.goAhead(session, verb, now)
    if (verb === 'DATA' && session.lines.hasTalk()) {
      // What a client sent behind a DATA that was refused is a message, and must not be taken for commands.
      const { house, arrival } = session
      return session.conclude('data without recipient', now, replies.goAhead(house.hostname, arrival.id))
    }
    this.next(session, now)
  }

  backendGone(session: Session, why: string, now: Instant): void {
    session.journal.detail = `backend: ${why}`
    lose(session, 'backend closed', now)
  }

  /** The reply to a command that the backend had before it came to this phase. */
  answered(session: Session, command: Command, reply: Reply, now: Instant): void {
    if (command.verb === 'RCPT') this.hasAsked = true
    this.awaiting = command
    this.reply(session, reply, now)
  }

  /** A reply to something that was no command is passed on, and the client may go on. */
  resume(session: Session, text: string, now: Instant): void {
    session.phase = this
    session.port.send(text)
    if (text.startsWith('421')) session.conclude('backend closed', now)
    else this.next(session, now)
  }

  /** The message is over, for good or not: its transaction with it. */
  endMessage(session: Session): void {
    this.hasRecipient = false
    this.hasAsked = false
    this.midMessage = false
    this.content = null
    session.endTransaction()
  }

  /** The client's turn again: go on with what waits, or go. */
  private next(session: Session, now: Instant): void {
    if (mayGo(session)) return sendAway(session, now)
    this.setDeadline(session, now, commandWait(session))
    // What the backend said beyond its reply is looked at first: it may be 421.
    if ((session.responder?.waiting ?? 0) > 0) return
    this.work(session, now)
    if (session.isDone || !session.clientGone || session.phase !== this) return
    if (this.awaiting === null) this.hangUp(session, now)
  }

  private hangUp(session: Session, now: Instant): void {
    if (this.midMessage) session.journal.aborted++
    session.conclude('hangup', now)
  }

  private goAhead(session: Session, verb: Verb, now: Instant): void {
    if (verb === 'DATA') enterMessage(session, this, now)
    else if (verb === 'AUTH') enterExchange(session, this, now)
    else enterSplice(session, now)
  }

  private command(session: Session, command: Command, now: Instant): void {
    if (answerAlways(session, command, now)) return
    const { verb } = command
    const own = isLured(session) ? besideDecoy(verb) : null
    if (own !== null) return session.port.send(own)
    if (verb === 'BDAT') return carryChunk(session, this, command, now)
    if (verb === 'RCPT' && relayRecipient(session, this, command, now)) return
    if (verb === 'DATA' && this.data(session, now)) return
    if (verb === 'MAIL') session.journal.sender(parsePath('FROM', command.argument)?.path ?? '')
    if (session.backendAhead) return outOfStep(session, `it spoke before ${nameOf(command)}`, now)
    session.port.command(`${command.line}\r\n`)
    this.awaiting = command
    session.expectReply(asked[verb] ?? 'other', now)
    this.setDeadline(session, now, replyWait(session))
  }

  /** A client that has failed meanwhile gets no 354; true: answered by the gate. */
  private data(session: Session, now: Instant): boolean {
    const verdict = forbidding(session)
    if (verdict === null || !this.hasRecipient) return false
    const text = verdictReply(verdict, session.arrival.id)
    session.journal.refusal(text)
    // It may well send the message unasked.
    session.conclude('verdict', now, text)
    return true
  }

  /** A reply to nothing. 421 is how a server says that it leaves (RFC 5321 3.8); anything else is out of step. */
  private unasked(session: Session, reply: Reply, now: Instant): void {
    if (!isLured(session)) session.journal.backendSaid(reply)
    if (reply.code === 421) {
      session.port.send(isLured(session) ? inOwnWords(session, 'NOOP', reply) : reply.text)
      return session.conclude('backend closed', now)
    }
    outOfStep(session, `${reply.code} to nothing`, now)
  }

  private noteAhead(session: Session): void {
    if (session.isDone || session.pipeliningOffered) return
    if (this.awaiting !== null && session.noteAhead(nameOf(this.awaiting))) session.judge()
  }

  private setDeadline(session: Session, now: Instant, wait: number): void {
    session.deadline = Math.min(now + wait, session.startedAt + session.house.waits.session)
  }
}

/** The one reply to each that asks the client for more than a command. */
const goAheads: { readonly [V in Verb]?: number } = { DATA: 354, AUTH: 334, STARTTLS: 220 }

const asked: { readonly [V in Verb]?: Asked } = {
  EHLO: 'hello',
  HELO: 'hello',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
}

const nameOf = ({ verb }: Command): string => (verb === 'unknown' ? 'an unknown command' : verb)

/** The backend has answered for the first time: the command that it was opened for, or, null, with its greeting. */
export function enterRelay(session: Session, command: Command | null, reply: Reply, now: Instant): void {
  const relay = new Relay()
  session.phase = relay
  if (command === null) relay.resume(session, reply.text, now)
  else relay.answered(session, command, reply, now)
}
