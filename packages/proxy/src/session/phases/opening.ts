import type { Instant } from '@sallyport/rules'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import { xclientCommands } from '../../smtp/xclient.ts'
import { declineRcpt, refuse } from '../dialogue.ts'
import type { Phase } from '../phase.ts'
import type { Ask, Asked, Reached } from '../port.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'
import { enterCommand } from './command.ts'
import { enterRelay } from './relay.ts'

/** A client waits five minutes for the reply to RCPT (RFC 5321 4.5.3.2.3); it shall hear 451 and not give up on us. */
const patience = 270_000

/** How long DNS may take to name the client once the backend has greeted, ms. */
const namePatience = 10_000

/** What the backend was last told, and so what it answers next. */
type Step = 'connect' | 'greeting' | 'name' | 'xclient' | 'hello' | 'mail' | 'rcpt'

/**
 * The backend is opened and told what the client said: identity, EHLO, MAIL with all its parameters, RCPT, one at a time. Its
 * reply to RCPT is the client's. What it refuses on the way (EHLO, MAIL) becomes its reply to every RCPT of the transaction,
 * because the client has our 250 for those; a backend in trouble becomes 451. Never 5xx of our own.
 */
class Opening implements Phase {
  readonly name = 'opening'
  private step: Step = 'connect'
  private readonly rcptLine: string
  /** When the client will have waited long enough. */
  private readonly end: Instant
  /** XCLIENT commands still to be sent, last first; null: not made yet. */
  private xclient: string[] | null = null

  constructor(rcptLine: string, now: Instant) {
    this.rcptLine = rcptLine
    this.end = now + patience
  }

  work(session: Session): void {
    // The client waits for its RCPT. Where it may send ahead, what it sends waits.
    if (!session.pipeliningOffered) session.noteAhead('RCPT')
  }

  clientEnded(session: Session, now: Instant): void {
    // A half-closed client that sent its whole dialogue at once may still be reading.
    if (session.lines.pending === 0) session.conclude('hangup', now)
  }

  learnt(session: Session, _asked: Ask, now: Instant): void {
    session.judge()
    if (this.step === 'name' && session.reverseName !== null) this.introduce(session, now)
  }

  timeout(session: Session, now: Instant): void {
    // Without its name the client is better off than without its mail.
    if (this.step === 'name') return this.introduce(session, now)
    this.fail(session, 'timeout', 'no answer', now)
  }

  drain(): void {
    // The reply to RCPT comes first; relay takes the session from there to its end.
  }

  opened(session: Session, now: Instant): void {
    this.expect(session, 'greeting', 'connect', session.house.waits.backendGreeting, now)
  }

  reply(session: Session, reply: Reply, now: Instant): void {
    const { house, hello, transaction } = session
    if (hello === null || transaction === null) return
    if (session.backendAhead && this.step !== 'rcpt') return this.fail(session, 'error', 'it spoke out of turn', now)
    const wait = house.waits.backendReply
    switch (this.step) {
      case 'name':
        return this.unexpected(session, reply, now)
      case 'connect':
      case 'greeting':
      case 'xclient':
        // A server that would not greet has nothing against this client that it could know: its trouble is temporary.
        if (reply.code !== 220) return this.unexpected(session, reply, now)
        return this.introduce(session, now)
      case 'hello':
        if (!isPositive(reply)) return this.decline(session, reply, now)
        this.expect(session, 'mail', 'mail', wait, now)
        return session.port.command(`${transaction.mailLine}\r\n`)
      case 'mail':
        if (!isPositive(reply)) return this.decline(session, reply, now)
        this.expect(session, 'rcpt', 'rcpt', wait, now)
        return session.port.command(`${this.rcptLine}\r\n`)
      case 'rcpt':
        return this.finish(session, reply, now)
      default:
        this.step satisfies never
    }
  }

  backendGone(session: Session, why: string, now: Instant): void {
    this.fail(session, this.step === 'connect' ? 'refused' : 'error', why, now)
  }

  /** The backend has greeted: says who the client is, where that is part of the dialogue, and then what it said. */
  private introduce(session: Session, now: Instant): void {
    const { house, hello } = session
    if (hello === null) return
    if (session.backendAhead) return this.fail(session, 'error', 'it spoke out of turn', now)
    if (house.xclient && this.xclient === null) {
      if (session.reverseName === null && this.step !== 'name') {
        this.step = 'name'
        session.deadline = Math.min(now + namePatience, this.end)
        return
      }
      this.xclient = xclientCommands(identity(session)).toReversed()
    }
    const next = this.xclient?.pop()
    if (next === undefined) this.expect(session, 'hello', 'hello', house.waits.backendReply, now)
    else this.expect(session, 'xclient', 'other', house.waits.backendReply, now)
    session.port.command(`${next ?? hello.line}\r\n`)
  }

  private expect(session: Session, step: Step, asked: Asked, wait: number, now: Instant): void {
    this.step = step
    session.expectReply(asked, now)
    session.deadline = Math.min(now + wait, this.end)
  }

  private finish(session: Session, reply: Reply, now: Instant): void {
    if (!isPositive(reply) && !isNegative(reply)) return this.unexpected(session, reply, now)
    const verdict = session.judge()
    session.port.reached('ok')
    if (verdict.action === 'drop') return session.drop(verdict, now)
    // The client could not wait: nothing has been promised yet, and the backend is let go before it is promised anything.
    if (refuse(session)) {
      session.abandon()
      return enterCommand(session, now)
    }
    session.transaction = null
    session.journal.relayedAt = now
    if (!isPositive(reply)) session.journal.backendSaid(reply)
    enterRelay(session, reply, isPositive(reply), now)
  }

  /** The backend's own no, kept for every further RCPT of this transaction. */
  private decline(session: Session, reply: Reply, now: Instant): void {
    if (!isNegative(reply)) return this.unexpected(session, reply, now)
    session.journal.backendSaid(reply)
    session.port.reached('declined')
    if (reply.code === 421) return session.conclude('backend closed', now, reply.text)
    if (session.transaction !== null) session.transaction.refusal = reply.text
    session.abandon()
    declineRcpt(session, reply.text)
    enterCommand(session, now)
  }

  private unexpected(session: Session, reply: Reply, now: Instant): void {
    session.journal.backendSaid(reply)
    const result = this.step === 'xclient' ? 'identity' : this.step === 'greeting' ? 'greeting' : 'error'
    this.fail(session, result, `it answered ${reply.code}`, now)
  }

  private fail(session: Session, result: Reached, why: string, now: Instant): void {
    const text = replies.unavailable(session.arrival.id)
    session.journal.detail = `backend: ${why} at ${this.step}`
    session.port.reached(result)
    if (session.reopen()) {
      this.step = 'connect'
      this.xclient = null
      session.deadline = now + session.house.waits.backendConnect
      return
    }
    session.journal.refusal(text)
    if (session.transaction !== null) session.transaction.refusal = text
    session.abandon()
    declineRcpt(session, text)
    enterCommand(session, now)
  }
}

export function enterOpening(session: Session, rcptLine: string, now: Instant): void {
  session.phase = new Opening(rcptLine, now)
  session.deadline = now + session.house.waits.backendConnect
  session.journal.openedAt = now
  session.port.open(null)
}

function identity(session: Session): readonly (readonly [string, string])[] {
  const { arrival, hello } = session
  const address = arrival.client.includes(':') ? `IPV6:${arrival.client}` : arrival.client
  // Postfix looks nothing up after XCLIENT: without a name it would keep the gate's own.
  const name = session.reverseName ?? '[TEMPUNAVAIL]'
  return [
    ['NAME', name],
    ['REVERSE_NAME', name],
    ['PORT', String(arrival.clientPort)],
    ['PROTO', hello?.verb === 'EHLO' ? 'ESMTP' : 'SMTP'],
    ['HELO', hello?.name ?? '[UNAVAILABLE]'],
    ['ADDR', address],
  ]
}
