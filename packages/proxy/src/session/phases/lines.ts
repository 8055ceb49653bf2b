import { endsDialogue, type Instant, lineDelayOf } from '@sallyport/rules'
import { type Phase, withoutBackend } from '../phase.ts'
import type { Session } from '../session.ts'
import { bearingOf } from '../standing.ts'

/**
 * A reply of the gate's own, said line by line to a client that has failed a check: many that send mail and nothing else read one
 * line, or none, and go on. It is not the client's turn before the last (RFC 2920 3.1: EHLO ends a group; so does the greeting).
 *
 * Road not taken: the lines of the backend's replies. By then the client is let in, and they are passed on as they come.
 */
class Lines implements Phase {
  readonly name = 'lines'
  readonly opened = withoutBackend.opened
  readonly secured = withoutBackend.secured
  readonly reply = withoutBackend.reply
  readonly backendGone = withoutBackend.backendGone
  private readonly since: Instant
  private readonly wait: number
  /** Still to be said, last first. */
  private readonly left: string[]
  private readonly after: After

  constructor(lines: readonly string[], wait: number, now: Instant, after: After) {
    this.left = lines.toReversed()
    this.wait = wait
    this.since = now
    this.after = after
  }

  begin(session: Session, now: Instant): void {
    session.phase = this
    this.say(session, now)
  }

  work(session: Session, now: Instant): void {
    this.after.hear(session, now)
    this.judge(session, now)
  }

  clientEnded(session: Session, now: Instant): void {
    // One that has sent its whole dialogue at once may still be reading.
    if (session.lines.pending > 0) return
    session.journal.left(session.journal.greetedAt <= now ? 'hello' : 'greet', this.since, now)
    session.conclude('hangup', now)
  }

  learnt(session: Session, _asked: unknown, now: Instant): void {
    this.judge(session, now)
  }

  timeout(session: Session, now: Instant): void {
    this.say(session, now)
  }

  drain(): void {
    // The reply comes first; the phase behind it lets the client go.
  }

  private judge(session: Session, now: Instant): void {
    const verdict = session.judge()
    if (endsDialogue(verdict)) session.expel(verdict, now)
  }

  private say(session: Session, now: Instant): void {
    const line = this.left.pop()
    if (line !== undefined) session.port.send(`${line}\r\n`)
    session.deadline = now + this.wait
    if (this.left.length > 0) return
    // The wait for the greeting is counted with that.
    if (session.journal.greetedAt <= now) session.journal.waited += now - this.since
    this.after.go(session, now)
  }
}

/** What to do about octets that come too early, and when the last line has been said. */
interface After {
  hear(session: Session, now: Instant): void
  go(session: Session, now: Instant): void
}

/** Says a reply of several lines one by one, where the client is suspect; false: it is not, or has talked on already. */
export function sayByLine(session: Session, reply: string, now: Instant, after: After): boolean {
  const { journal, plan, tally, lines } = session
  if (tally.vouched !== null || lines.hasTalk()) return false
  const bearing = bearingOf(session, Math.min(journal.greetedAt, now))
  // Most need not wait, however many lines there are.
  if (lineDelayOf(plan.delays, bearing, 1) === 0) return false
  const texts = reply.split('\r\n').slice(0, -1)
  const wait = lineDelayOf(plan.delays, bearing, texts.length)
  if (wait === 0 || texts.length < 2) return false
  new Lines(texts, wait, now, after).begin(session, now)
  return true
}
