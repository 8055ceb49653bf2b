import { endsDialogue, type Instant, leftForBackend, never } from '@sallyport/rules'
import type { Command } from '../../smtp/command.ts'
import { offersKeyword } from '../../smtp/keywords.ts'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import { decoyRefusal, isLured } from '../decoy.ts'
import { noteHeard, noteOffer } from '../heard.ts'
import { introduction } from '../identity.ts'
import type { Phase } from '../phase.ts'
import type { Answer, Asked, Attempt, Reached } from '../port.ts'
import { replies } from '../replies.ts'
import { declineRcpt, refuse, verdictForRecipient } from '../screening.ts'
import type { Session } from '../session.ts'
import { enterCommand } from './command.ts'
import { notePregreet } from './early.ts'
import { greetNow, passGreeting } from './greet.ts'
import { enterRelay } from './relay.ts'
import { askedBy, goneAt, misunderstood, nameOf, type Step, unexpectedAt } from './step.ts'

/** How long DNS may take to name the client once the backend has greeted, ms. */
const namePatience = 10_000

/**
 * The backend is opened and told what the client said: TLS where it is wanted, identity, EHLO, MAIL with all its parameters, and
 * the command that only the backend can answer, one at a time. Its reply to that is the client's. What it refuses on the way
 * (EHLO, MAIL) becomes its reply to every RCPT of the transaction, because the client has our 250 for those; a backend in
 * trouble makes room for the next one, because nothing of it has been passed on, and where there is none becomes 451. Never
 * 5xx of our own.
 */
class Opening implements Phase {
  readonly name = 'opening'
  private step: Step = 'connect'
  /** What the client waits for; null: its greeting. */
  private readonly command: Command | null
  /** When the client, that waits five minutes for the reply to RCPT (RFC 5321 4.5.3.2.3), shall hear 451 and not give up on us. */
  private readonly end: Instant
  private attempt: Attempt = { xclient: false, tls: 'off' }
  /** XCLIENT commands still to be sent, last first; null: not made yet. */
  private xclient: string[] | null = null
  /** The latest 220 of the backend. */
  private greeting: Reply | null = null
  private hasFailed = false

  /** `held`: how long the client has waited for this reply already, ms. */
  constructor(command: Command | null, now: Instant, held: number) {
    this.command = command
    this.end = now + leftForBackend(held)
  }

  work(session: Session, now: Instant): void {
    // The client waits. Where it may send ahead, what it sends waits.
    if (this.command === null) notePregreet(session, now)
    else if (!session.pipeliningOffered) session.noteAhead(this.command.verb)
  }

  clientEnded(session: Session, now: Instant): void {
    // A half-closed client that sent its whole dialogue at once may still be reading.
    if (session.lines.pending === 0) session.conclude('hangup', now)
  }

  learnt(session: Session, _asked: Answer['ask'], now: Instant): void {
    session.judge()
    if (this.step === 'name' && session.facts.reverse !== null) this.introduce(session, now)
  }

  timeout(session: Session, now: Instant): void {
    // Without its name the client is better off than without its mail.
    if (this.step === 'name') return this.introduce(session, now)
    this.fail(session, 'timeout', 'no answer', now)
  }

  drain(): void {
    // The reply comes first; relay takes the session from there to its end.
  }

  opened(session: Session, attempt: Attempt, now: Instant): void {
    this.attempt = attempt
    this.expect(session, 'greeting', 'connect', session.house.waits.backendGreeting, now)
  }

  secured(session: Session, _side: 'client' | 'backend', now: Instant): void {
    this.introduce(session, now)
  }

  reply(session: Session, reply: Reply, now: Instant): void {
    if (session.backendAhead && this.step !== 'command') return this.fail(session, 'error', 'it spoke out of turn', now)
    switch (this.step) {
      case 'connect':
      case 'greeting':
        // A server that would not greet has nothing against this client that it could know: its trouble is temporary.
        if (reply.code !== 220) return this.unexpected(session, reply, now)
        this.greeting = reply
        if (this.attempt.tls === 'off') return this.introduce(session, now)
        return this.say(session, 'keywords', 'hello', `EHLO ${session.house.hostname}`, now)
      case 'keywords':
        return this.keywords(session, reply, now)
      case 'starttls':
        if (isNegative(reply)) return this.withoutTls(session, `it answered ${reply.code}`, now)
        if (reply.code !== 220) return this.unexpected(session, reply, now)
        this.expect(session, 'handshake', 'other', session.house.waits.tlsHandshake, now)
        return session.port.secureBackend()
      case 'xclient':
        if (reply.code !== 220) return this.unexpected(session, reply, now)
        this.greeting = reply
        return this.introduce(session, now)
      case 'handshake':
      case 'name':
        return this.unexpected(session, reply, now)
      case 'hello':
        // Not of this client, but of whoever the gate is to it: it took the identity for commands, or knows no EHLO.
        if (misunderstood.has(reply.code)) return this.unexpected(session, reply, now)
        if (!isPositive(reply)) return this.decline(session, reply, now)
        noteOffer(session, reply)
        return this.replay(session, now)
      case 'mail':
        if (!isPositive(reply)) return this.decline(session, reply, now)
        return this.replay(session, now)
      case 'command':
        return this.finish(session, reply, now)
      default:
        this.step satisfies never
    }
  }

  backendGone(session: Session, why: string, now: Instant): void {
    this.fail(session, goneAt(this.step), why, now)
  }

  /** The backend's reply to the gate's own EHLO, which only asks for STARTTLS. */
  private keywords(session: Session, reply: Reply, now: Instant): void {
    if (!isPositive(reply) && !isNegative(reply)) return this.unexpected(session, reply, now)
    if (offersKeyword(reply, 'STARTTLS')) this.say(session, 'starttls', 'other', 'STARTTLS', now)
    else this.withoutTls(session, 'it offers no STARTTLS', now)
  }

  private withoutTls(session: Session, why: string, now: Instant): void {
    if (this.attempt.tls === 'required') this.fail(session, 'tls', why, now)
    else this.introduce(session, now)
  }

  /** Says who the client is, where that is part of the dialogue, and then what it said. */
  private introduce(session: Session, now: Instant): void {
    if (session.backendAhead) return this.fail(session, 'error', 'it spoke out of turn', now)
    if (this.attempt.xclient && this.xclient === null) {
      if (session.facts.reverse === null && this.step !== 'name') {
        this.step = 'name'
        session.deadline = Math.min(now + namePatience, this.end)
        return
      }
      this.xclient = introduction(session).toReversed()
    }
    const next = this.xclient?.pop()
    if (next !== undefined) return this.say(session, 'xclient', 'other', next, now)
    if (this.command === null) return this.greet(session, now)
    this.step = 'greeting'
    this.replay(session, now)
  }

  /** What the client has said so far, and at last the command that it waits for. */
  private replay(session: Session, now: Instant): void {
    const { hello, mail, port } = session
    const { command } = this
    if (command === null) return
    if (this.step === 'greeting' && hello !== null) return this.say(session, 'hello', 'hello', hello.line, now)
    if (this.step !== 'mail' && mail !== null) return this.say(session, 'mail', 'mail', mail.line, now)
    this.expect(session, 'command', askedBy(command), session.house.waits.backendReply, now)
    port.command(`${command.line}\r\n`)
  }

  private say(session: Session, step: Step, asked: Asked, line: string, now: Instant): void {
    this.expect(session, step, asked, session.house.waits.backendReply, now)
    session.port.command(`${line}\r\n`)
  }

  private expect(session: Session, step: Step, asked: Asked, wait: number, now: Instant): void {
    this.step = step
    session.expectReply(asked, now)
    session.deadline = Math.min(now + wait, this.end)
  }

  private reached({ port, journal }: Session, now: Instant): void {
    port.reached('ok')
    journal.relayedAt = now
    // Another backend made up for it.
    if (this.hasFailed) journal.detail = ''
  }

  /** The client is known and hears the backend's own greeting. */
  private greet(session: Session, now: Instant): void {
    const { greeting } = this
    this.reached(session, now)
    if (greeting !== null) passGreeting(session, greeting, now)
  }

  private finish(session: Session, reply: Reply, now: Instant): void {
    const { command } = this
    if (command === null) return
    const goesOn = isPositive(reply) || isNegative(reply) || (reply.code === 334 && command.verb === 'AUTH')
    if (!goesOn) return this.unexpected(session, reply, now)
    const verdict = session.judge()
    this.reached(session, now)
    if (endsDialogue(verdict)) return session.expel(verdict, now)
    // The client could not wait: nothing has been promised yet, and the backend is let go before it is promised anything.
    if (command.verb === 'RCPT' && refuse(session, verdictForRecipient(session))) {
      session.abandon()
      return enterCommand(session, now)
    }
    session.transaction = null
    enterRelay(session, command, reply, now)
  }

  /** The backend's own no, kept for every further RCPT of this transaction. */
  private decline(session: Session, reply: Reply, now: Instant): void {
    if (!isNegative(reply)) return this.unexpected(session, reply, now)
    session.port.reached('declined')
    if (isLured(session)) return this.giveUp(session, session.journal.refusal(decoyRefusal(session)), now)
    session.journal.backendSaid(reply)
    if (this.step === 'mail') noteHeard(session, 'mail', reply)
    if (reply.code === 421) return session.conclude('backend closed', now, reply.text)
    this.giveUp(session, reply.text, now)
  }

  private unexpected(session: Session, reply: Reply, now: Instant): void {
    session.journal.backendSaid(reply)
    this.fail(session, unexpectedAt(this.step), `it answered ${reply.code}`, now)
  }

  private fail(session: Session, result: Reached, why: string, now: Instant): void {
    session.port.reached(result)
    this.hasFailed = true
    session.journal.detail = `backend: ${why} at ${nameOf(this.step, this.command)}`
    if (now < this.end && session.reopen()) return this.begin(session, now)
    const text = isLured(session) ? decoyRefusal(session) : replies.unavailable(session.arrival.id)
    session.journal.refusal(text)
    this.giveUp(session, text, now)
  }

  /** Waits for the connection. */
  begin(session: Session, now: Instant): void {
    this.step = 'connect'
    this.xclient = null
    this.greeting = null
    session.deadline = Math.min(now + session.house.waits.backendConnect, this.end)
  }

  /** The client hears this, and the gate speaks for itself again. */
  private giveUp(session: Session, text: string, now: Instant): void {
    session.abandon()
    if (this.command === null) {
      session.deadline = never
      return greetNow(session, now)
    }
    if (this.command.verb !== 'RCPT') session.port.send(text)
    else {
      if (session.transaction !== null) session.transaction.refusal = text
      declineRcpt(session, text)
    }
    enterCommand(session, now)
  }
}

/** Opens a backend of the group for a command that only it can answer; null: for its greeting. Who has gone to the decoy stays there. */
export function enterOpening(session: Session, command: Command | null, group: string | null, now: Instant): void {
  const held = command === null ? now - session.startedAt : session.journal.held
  const opening = new Opening(command, now, held)
  session.phase = opening
  if (!isLured(session)) session.group = group
  session.journal.openedAt = now
  opening.begin(session, now)
  session.port.open(session.group)
}
