import type { Instant } from '@sallyport/rules'
import { authLine, isClean } from '../../smtp/command.ts'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import { junk } from '../dialogue.ts'
import type { Phase } from '../phase.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'
import { commandWait } from '../standing.ts'
import { noteLogin } from './account.ts'
import { sendAway } from './early.ts'
import { lose, outOfStep } from './lost.ts'
import type { Relay } from './relay.ts'

/** Rounds of challenge and response; the longest mechanism in use has four. */
const mostRounds = 20

/**
 * The exchange of AUTH (RFC 4954 4): after each 334 of the backend the client's next line is an answer and no command, whatever
 * it looks like. Lines go over one at a time, as commands do. None of them is ever logged. One that could not be passed on, or is
 * one round too many, becomes `*`, which ends the exchange with the backend's own refusal.
 */
class Exchange implements Phase {
  readonly name = 'exchange'
  private readonly relay: Relay
  private awaiting = false
  private rounds = 0

  constructor(relay: Relay) {
    this.relay = relay
  }

  work(session: Session, now: Instant): void {
    if (this.awaiting) return this.noteAhead(session)
    session.isStalled = session.port.isFull
    if (session.isStalled) {
      if (session.clientGone) session.conclude('hangup', now)
      return
    }
    const line = session.lines.takeLine()
    if (line === null) {
      const { house, arrival, lines } = session
      if (lines.hopeless) session.conclude('limit', now, replies.endlessLine(house.hostname, arrival.id))
      else if (session.clientGone) session.conclude('hangup', now)
      return
    }
    if (line.bare) {
      session.facts.bareNewlines++
      session.facts.bareNewlineAfter ??= 'AUTH'
    }
    if (session.backendAhead) return outOfStep(session, 'it spoke in the exchange of AUTH', now)
    const good = !line.tooLong && line.text.length <= authLine && isClean(line.text) && this.rounds < mostRounds
    this.rounds++
    session.port.command(`${good ? line.text : '*'}\r\n`)
    this.awaiting = true
    session.expectReply('other', now)
    this.setDeadline(session, now, session.house.waits.backendReply)
    this.noteAhead(session)
  }

  clientEnded(session: Session, now: Instant): void {
    if (!this.awaiting) session.conclude('hangup', now)
  }

  learnt(session: Session): void {
    session.judge()
  }

  timeout(session: Session, now: Instant): void {
    if (!this.awaiting) {
      if (session.draining) return sendAway(session, now)
      session.conclude('timeout', now, replies.timeout(session.house.hostname, session.arrival.id))
      return
    }
    session.journal.detail = 'backend: no reply to AUTH'
    lose(session, 'timeout', now)
  }

  drain(session: Session, now: Instant): void {
    if (!this.awaiting) this.setDeadline(session, now, commandWait(session))
  }

  opened(): void {}
  secured(): void {}

  reply(session: Session, reply: Reply, now: Instant): void {
    if (!this.awaiting) {
      if (reply.code !== 421) return outOfStep(session, `${reply.code} to nothing`, now)
      session.journal.backendSaid(reply)
      session.port.send(reply.text)
      return session.conclude('backend closed', now)
    }
    this.awaiting = false
    // A backend that goes on asking behind `*` would do so for ever.
    if (reply.code === 334 && this.rounds <= mostRounds && !session.backendAhead) {
      session.port.send(reply.text)
      return this.listen(session, now)
    }
    if (!isPositive(reply) && !isNegative(reply)) return outOfStep(session, `${reply.code} to AUTH`, now)
    if (isPositive(reply)) noteLogin(session)
    else session.journal.backendSaid(reply)
    if (reply.code >= 500) junk(session)
    this.relay.resume(session, reply.text, now)
  }

  backendGone(session: Session, why: string, now: Instant): void {
    session.journal.detail = `backend: ${why}`
    lose(session, 'backend closed', now)
  }

  /** The client's turn. */
  listen(session: Session, now: Instant): void {
    this.setDeadline(session, now, commandWait(session))
    this.work(session, now)
  }

  private noteAhead(session: Session): void {
    if (!session.pipeliningOffered && session.noteAhead('AUTH')) session.judge()
  }

  private setDeadline(session: Session, now: Instant, wait: number): void {
    session.deadline = Math.min(now + wait, session.startedAt + session.house.waits.session)
  }
}

/** The backend has said 334, and its client has heard it. */
export function enterExchange(session: Session, relay: Relay, now: Instant): void {
  const exchange = new Exchange(relay)
  session.phase = exchange
  exchange.listen(session, now)
}
