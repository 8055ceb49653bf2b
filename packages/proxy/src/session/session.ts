import { Facts, type Instant, judge, never, type Plan, Tally, type Verdict } from '@sallyport/rules'
import { authLine } from '../smtp/command.ts'
import { LineReader } from '../smtp/line.ts'
import { printable, withoutSecrets } from '../smtp/octets.ts'
import { note } from './answers.ts'
import { type Arrival, noteArrival, type TlsInfo } from './arrival.ts'
import type { Hello, Mail, Transaction } from './envelope.ts'
import type { House } from './house.ts'
import { type Ending, Journal } from './journal.ts'
import type { Phase } from './phase.ts'
import { done } from './phases/done.ts'
import { recall } from './phases/recall.ts'
import { enterTrap, takesMore } from './phases/trap.ts'
import type { Answer, Asked, Attempt, Port } from './port.ts'
import { replies, verdictReply } from './replies.ts'
import { Responder } from './responder.ts'
import { planFor } from './standing.ts'

/**
 * One SMTP session without its sockets: the client's octets, the backend's, answers and the time go in; calls on the port
 * come out, and `deadline` says when to come back with the time.
 *
 * The contract: `now` never goes back. An early `timeout` does nothing. No input throws: whatever a client sends is a fact,
 * so an exception out of here is our own fault. After the session has concluded every input is a no-op.
 */
export class Session {
  readonly house: House
  readonly arrival: Arrival
  readonly port: Port
  readonly startedAt: Instant
  readonly facts = new Facts()
  /** What holds for this client. */
  plan: Plan
  readonly tally: Tally
  readonly journal = new Journal()
  readonly lines: LineReader
  phase: Phase = recall
  deadline: Instant = never
  /** What TLS came to with the client; null: it speaks in the clear. */
  tls: TlsInfo | null
  hello: Hello | null = null
  /** From its 250 to the end of its transaction, whoever said that. */
  mail: Mail | null = null
  /** From MAIL on, as long as the gate speaks for the backend. */
  transaction: Transaction | null = null
  /** The group of backends that was last opened; null: the default one. */
  group: string | null = null
  /** The backend that is open; null: none is. */
  responder: Responder | null = null
  /** PIPELINING was in our latest EHLO reply. */
  pipeliningOffered = false
  /** The verb of the latest command line, for the log. */
  lastVerb = 'CONNECT'
  commandsSinceMessage = 0
  draining = false
  /**
   * A recipient of the transaction was let in although others are not: so is its message. `others`: one was let in before, when
   * nothing spoke against the client; its message must not ride on theirs.
   */
  pardoned: boolean | 'others' = false
  /** The backend has the whole of a message and has not answered yet. */
  handedOver = false
  /** What follows is TLS between the client and the backend: passed on unseen. */
  spliced = false
  clientGone = false
  /** The client does not take its replies. */
  isStalled = false

  constructor(house: House, arrival: Arrival, port: Port, now: Instant) {
    this.house = house
    this.arrival = arrival
    this.port = port
    this.startedAt = now
    noteArrival(this.facts, arrival)
    this.tls = arrival.tls
    this.plan = planFor(this, null)
    this.tally = new Tally(this.plan, arrival.disarmed)
    this.lines = new LineReader(Math.max(house.limits.commandLine, authLine))
  }

  /** The first input: the connection stands. */
  start(now: Instant): void {
    recall.enter(this, now)
  }

  /** Octets of the client. */
  receive(octets: Uint8Array, now: Instant): void {
    if (this.isDone) return
    this.journal.octetsFromClient += octets.length
    this.lines.push(octets)
    this.phase.work(this, now)
  }

  /** The client takes its replies again. */
  resume(now: Instant): void {
    if (this.isDone || !this.isStalled) return
    this.isStalled = false
    this.phase.work(this, now)
    if (this.clientGone && !this.isStalled) this.phase.clientEnded(this, now)
  }

  /** The client has closed its side, or its connection broke. */
  end(now: Instant): void {
    if (this.isDone || this.clientGone) return
    this.clientGone = true
    // Where it takes no replies now, what waits is answered first.
    if (!this.isStalled || !this.lines.hasLine) this.phase.clientEnded(this, now)
  }

  /** The client's connection broke: nobody is left to answer. */
  broken(now: Instant): void {
    this.end(now)
    if (!this.isDone) this.conclude('hangup', now)
  }

  answer(answer: Answer, now: Instant): void {
    if (this.isDone) return
    if (!note(this, answer)) return
    this.phase.learnt(this, answer.ask, now)
  }

  /** The time has come; too early a call does nothing. */
  timeout(now: Instant): void {
    if (now < this.deadline || this.isDone) return
    this.phase.timeout(this, now)
  }

  /** TLS stands with the client. */
  secured(tls: TlsInfo, now: Instant): void {
    if (this.isDone) return
    this.tls = tls
    this.phase.secured(this, 'client', now)
  }

  /** The connection to the backend stands. */
  opened(attempt: Attempt, now: Instant): void {
    if (this.isDone) return
    this.responder = new Responder()
    this.phase.opened(this, attempt, now)
  }

  /** TLS stands with the backend; nothing that it said before counts. */
  backendSecured(now: Instant): void {
    if (this.isDone) return
    this.responder = new Responder()
    this.phase.secured(this, 'backend', now)
  }

  /** Octets of the backend. */
  backend(octets: Uint8Array, now: Instant): void {
    const { responder } = this
    if (this.isDone || responder === null) return
    this.journal.octetsFromBackend += octets.length
    if (this.spliced) {
      this.port.octets(octets)
      this.phase.work(this, now)
      return
    }
    for (const reply of responder.read(octets)) {
      const { asked, askedAt } = responder
      responder.waiting--
      responder.asked = null
      if (asked !== null) this.port.replied(asked, now - askedAt)
      this.journal.hear(asked, reply)
      this.phase.reply(this, reply, now)
      // Whoever abandons the backend in between does not want its further replies.
      if (this.isDone || this.responder !== responder) return
    }
    if (!responder.isMalformed) return
    this.phase.backendGone(this, 'its reply was malformed', now)
    // This connection still stands. Where the session goes on, to the end of its message, that is without it.
    if (this.responder === responder) this.abandon()
  }

  /** The connection to the backend failed or ended. */
  backendGone(why: string, now: Instant): void {
    if (this.isDone) return
    this.responder = null
    this.phase.backendGone(this, why, now)
  }

  /** The gate is about to stop. */
  drain(now: Instant): void {
    if (this.isDone || this.draining) return
    this.draining = true
    this.phase.drain(this, now)
  }

  /** The gate stops now. Only a message in the backend's hands is waited for: to cut there makes duplicates. */
  dismiss(now: Instant): void {
    if (this.isDone || this.handedOver) return
    this.conclude('drain', now, replies.shuttingDown(this.house.hostname, this.arrival.id))
  }

  /** The driver met a fault of our own: the client hears 421. */
  fault(now: Instant): void {
    this.journal.detail = 'internal error'
    this.conclude('error', now, replies.internal(this.house.hostname, this.arrival.id))
  }

  get isDone(): boolean {
    return this.phase === done
  }

  /** Whether the client may be read from. */
  get wantsMore(): boolean {
    return !this.lines.isFull && takesMore(this)
  }

  /** Runs the checks over what is known now. */
  judge(): Verdict {
    return judge(this.facts, this.plan, this.tally)
  }

  /** Notes what came before its turn, once; true: something did. Where it was the client's turn, do not ask. */
  noteAhead(after: string): boolean {
    if (!this.lines.hasTalk()) return false
    if (this.facts.aheadAfter === null) {
      this.facts.aheadAfter = after
      this.facts.aheadText = after === 'AUTH' ? '' : printable(withoutSecrets(this.lines.peek(100)), 100)
    }
    return true
  }

  /**
   * The backend has said, or begun to say, more than it was asked. Only one command is ever outstanding, so whatever came with
   * its reply came before the next was sent, and must not be taken for the answer to that.
   */
  get backendAhead(): boolean {
    return this.responder?.isAhead === true
  }

  /** The next reply of the backend answers this. */
  expectReply(to: Asked, now: Instant): void {
    this.responder?.expect(to, now)
  }

  /** RSET, EHLO, STARTTLS, the end of a message. */
  endTransaction(): void {
    this.mail = null
    this.transaction = null
    this.pardoned = false
    this.facts.recipient = null
  }

  /** Lets the backend go without a word. */
  abandon(): void {
    if (this.responder !== null || this.phase.name === 'opening') this.port.abandon()
    this.responder = null
  }

  /** Tries the next backend in the place of this one; false: there is none. Only while the client has heard none. */
  reopen(): boolean {
    this.responder = null
    return this.port.reopen()
  }

  /** What follows from a verdict that ends the dialogue. */
  expel(verdict: Verdict, now: Instant): void {
    if (verdict.action === 'trap') enterTrap(this, verdict, now)
    else this.conclude('verdict', now, this.journal.refusal(verdictReply(verdict, this.arrival.id)))
  }

  /** The one place where a session ends. */
  conclude(ending: Ending, now: Instant, farewell?: string): void {
    // A client that has closed its side may still listen on the other; one in TLS that is not ours would not understand.
    const mute = this.spliced || this.phase.name === 'handshake'
    if (farewell !== undefined && !mute) this.port.send((this.phase.unsaid ?? '') + farewell)
    this.journal.ending = ending
    this.journal.endedAt = now
    this.abandon()
    this.phase = done
    this.deadline = never
    this.lines.clear()
    this.port.close()
    this.port.concluded(this)
  }
}
