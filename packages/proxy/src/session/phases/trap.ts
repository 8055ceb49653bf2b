import type { Instant, Verdict } from '@sallyport/rules'
import { parseCommand } from '../../smtp/command.ts'
import type { Phase } from '../phase.ts'
import { replies, verdictReply } from '../replies.ts'
import type { Session } from '../session.ts'

/** Unread octets of a trapped client that are kept; what came beyond with one read is thrown away, and no more is read. */
const pendingLimit = 1_024

const codeLength = 3

/**
 * The client is answered an octet a second, politely and to no end: no recipient is taken, so no message is. It costs the client
 * a connection for as long as it stays, and the gate a timer's entry and a few octets. Within a budget: of places (`Port.trap`), of
 * what is said to all and read of them (`Port.trapped`), of what waits of its octets (below), and of what is said to it, which is
 * at most `trap.wait` / `trap.interval` octets and a farewell.
 *
 * Octets are said a piece at a time, each after as many intervals as it has octets: to send one costs what to send two does, all of
 * it in the kernel, and the rate is the same.
 *
 * Roads not taken: a small receive window as well (spamd -w), which Node cannot set; accepting DATA and refusing at its end, which
 * takes traffic and holds no longer.
 */
class Trap implements Phase {
  readonly name = 'trap'
  /** What every recipient hears is made of it when one is asked for: not to be held for each as long as none is. */
  private readonly verdict: Verdict
  private readonly since: Instant
  private readonly end: Instant
  /** What is still to be said of the present reply. */
  private left: string
  private said = 0
  /** It is the refusal. */
  private refuses: boolean
  private leaves = false
  /** Octets of the client in all, as far as they are in the budget. */
  private heard: number

  /** `greets`: the client has not been greeted yet; else it hears the refusal first. */
  constructor(session: Session, verdict: Verdict, greets: boolean, now: Instant) {
    this.verdict = verdict
    this.refuses = !greets
    this.left = greets ? replies.greeting(session.house.hostname) : verdictReply(verdict, session.arrival.id)
    this.heard = session.journal.octetsFromClient
    this.since = now
    this.end = now + session.house.trap.wait
    this.schedule(session, now)
  }

  work(session: Session, now: Instant): void {
    const { octetsFromClient } = session.journal
    if (octetsFromClient > this.heard) session.port.trapped(octetsFromClient - this.heard)
    this.heard = octetsFromClient
    if (this.isSpeaking) return keepLittle(session)
    const line = session.lines.takeLine()
    if (line === null) {
      // It has sent more than a line may have, and goes on: that is the end of it.
      if (session.lines.hopeless) session.conclude('limit', now)
      return
    }
    this.refuses = false
    this.left = this.answerTo(session, line.text)
    this.said = 0
    this.schedule(session, now)
  }

  clientEnded(session: Session, now: Instant): void {
    this.note(session)
    session.journal.left('trap', this.since, now)
    session.conclude('hangup', now)
  }

  learnt(): void {}
  opened(): void {}
  secured(): void {}
  reply(): void {}
  backendGone(): void {}

  timeout(session: Session, now: Instant): void {
    const { house, arrival, port, journal } = session
    if (now >= this.end) {
      this.note(session)
      const farewell = replies.timeout(house.hostname, arrival.id)
      if (journal.gateReply === null) journal.refusal(farewell)
      return session.conclude('verdict', now, farewell)
    }
    if (!this.isSpeaking) return session.conclude('timeout', now, replies.timeout(house.hostname, arrival.id))
    const piece = this.left.slice(this.said, this.said + house.trap.piece)
    port.send(piece)
    port.trapped(piece.length)
    this.said += piece.length
    if (!this.isSpeaking) this.note(session)
    if (!this.isSpeaking && this.leaves) return session.conclude('quit', now)
    this.schedule(session, now)
    this.work(session, now)
  }

  drain(session: Session, now: Instant): void {
    this.note(session)
    session.conclude('drain', now, replies.shuttingDown(session.house.hostname, session.arrival.id))
  }

  /** The rest of a reply that is begun, all of it: half a code would be none. */
  get unsaid(): string {
    return this.said > 0 ? this.left.slice(this.said) : ''
  }

  /** Of a refusal what the client has heard by now, if that is its code at least. */
  private note({ journal }: Session): void {
    if (this.refuses && this.said >= codeLength) journal.refusal(this.left.slice(0, this.said))
  }

  private get isSpeaking(): boolean {
    return this.said < this.left.length
  }

  private schedule(session: Session, now: Instant): void {
    const { trap, waits } = session.house
    const octets = Math.min(trap.piece, this.left.length - this.said)
    session.deadline = Math.min(now + (this.isSpeaking ? trap.interval * octets : waits.suspect), this.end)
  }

  private answerTo(session: Session, line: string): string {
    const { verb } = parseCommand(line)
    session.facts.commands++
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return replies.helo(session.house.hostname)
      case 'MAIL':
        return replies.mailOk
      case 'RCPT':
        this.refuses = true
        return verdictReply(this.verdict, session.arrival.id)
      case 'DATA':
      case 'BDAT':
        return replies.noRecipients
      case 'RSET':
      case 'NOOP':
        return replies.ok
      case 'QUIT':
        this.leaves = true
        return replies.bye
      default:
        return replies.unimplemented
    }
  }
}

/** A copy, since a piece would keep the whole of what was read. */
function keepLittle({ lines }: Session): void {
  if (lines.pending <= pendingLimit) return
  const kept = lines.takeChunk()?.slice(0, pendingLimit)
  lines.clear()
  if (kept !== undefined) lines.push(kept)
}

/** Whether a client that is trapped may be read from. */
export const takesMore = ({ phase, lines }: Session): boolean => phase.name !== 'trap' || lines.pending < pendingLimit

/** Traps the client, or, where there is no place for it, lets it go. */
export function enterTrap(session: Session, verdict: Verdict, now: Instant): void {
  const { house, arrival, journal, port, tally } = session
  session.abandon()
  session.endTransaction()
  if (!port.trap(tally.suspicion(session.plan))) {
    return session.conclude('verdict', now, journal.refusal(replies.tooBusy(house.hostname, arrival.id)))
  }
  const isGreeted = journal.greetedAt <= now
  if (!isGreeted) journal.greetedAt = now
  // What came before may be much, and would be held for as long as the client is.
  keepLittle(session)
  session.phase = new Trap(session, verdict, !isGreeted, now)
}
