import { delayOf, endsDialogue, type Instant, isWaiting, type Moment } from '@sallyport/rules'
import { type Command, mayBeGrouped, type Verb } from '../../smtp/command.ts'
import { domainOf, parsePath } from '../../smtp/path.ts'
import type { Reply } from '../../smtp/reply.ts'
import { awaitsGreylist } from '../greylisting.ts'
import type { Phase } from '../phase.ts'
import type { Answer, Attempt } from '../port.ts'
import type { Session } from '../session.ts'
import { bearingOf, planFor } from '../standing.ts'

const moments: { readonly [V in Verb]?: Moment } = {
  EHLO: 'hello',
  HELO: 'hello',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
  BDAT: 'data',
}

/**
 * A command whose answer is held back: because such clients have to wait, or because what was asked about the client has not
 * been answered, and decides. Whoever talks meanwhile talks before its turn; whoever leaves is let go at once.
 */
class Hold implements Phase {
  readonly name = 'hold'
  private readonly back: Phase
  private readonly command: Command
  private readonly since: Instant
  /** The end of the wait. */
  private readonly until: Instant
  /** When answers are not waited for any more. */
  private readonly answersBy: Instant
  private readonly go: (now: Instant) => void

  constructor(back: Phase, command: Command, now: Instant, wait: number, answers: number, go: (now: Instant) => void) {
    this.back = back
    this.command = command
    this.since = now
    this.until = now + wait
    this.answersBy = now + answers
    this.go = go
  }

  begin(session: Session): void {
    session.phase = this
    session.deadline = Math.max(this.until, this.answersBy)
    // What has come with the command was noted with it.
  }

  work(session: Session, now: Instant): void {
    const { verb } = this.command
    // What stands behind BDAT is its chunk.
    if (verb === 'BDAT' || (session.pipeliningOffered && mayBeGrouped(verb))) return
    if (session.noteAhead(session.lastVerb)) this.judge(session, now)
  }

  clientEnded(session: Session, now: Instant): void {
    // One that has sent its whole dialogue at once may still be reading.
    if (session.lines.pending > 0) return
    session.journal.left(moments[this.command.verb] ?? 'other', this.since, now)
    session.conclude('hangup', now)
  }

  learnt(session: Session, _asked: Answer['ask'], now: Instant): void {
    this.judge(session, now)
    if (session.phase !== this) return
    if (isPending(session, this.command)) return
    if (now >= this.until) this.release(session, now)
    // Nothing is left to wait for but the delay.
    else session.deadline = this.until
  }

  timeout(session: Session, now: Instant): void {
    this.release(session, now)
  }

  drain(): void {
    // The answer comes first; the phase that gives it lets the client go.
  }

  secured(): void {}

  opened(session: Session, attempt: Attempt, now: Instant): void {
    this.back.opened(session, attempt, now)
  }

  reply(session: Session, reply: Reply, now: Instant): void {
    session.phase = this.back
    this.back.reply(session, reply, now)
  }

  backendGone(session: Session, why: string, now: Instant): void {
    session.phase = this.back
    this.back.backendGone(session, why, now)
  }

  private judge(session: Session, now: Instant): void {
    const verdict = session.judge()
    if (endsDialogue(verdict)) session.expel(verdict, now)
  }

  private release(session: Session, now: Instant): void {
    session.journal.held = now - this.since
    session.journal.waited += session.journal.held
    session.phase = this.back
    this.go(now)
  }
}

/** Holds a command of the phase `back` that the client may not be answered yet; `go` answers it. True: held. */
export function holdBack(
  session: Session,
  command: Command,
  back: Phase,
  now: Instant,
  go: (now: Instant) => void,
): boolean {
  session.journal.held = 0
  const wait = waitFor(session, command)
  const answers = command.verb === 'RCPT' && isPending(session, command) ? session.house.waits.answers : 0
  if (wait === 0 && answers === 0) return false
  new Hold(back, command, now, wait, answers, go).begin(session)
  return true
}

function waitFor(session: Session, { verb }: Command): number {
  const { tally, plan } = session
  if (verb === 'QUIT' || tally.vouched !== null) return 0
  return delayOf(plan.delays, moments[verb] ?? null, bearingOf(session, session.journal.greetedAt))
}

/** Something that was asked about the client or its recipient has not been answered, and would decide. */
function isPending(session: Session, command: Command): boolean {
  const path = parsePath('TO', command.argument)?.path
  const plan = path === undefined ? session.plan : planFor(session, domainOf(path).toLowerCase())
  return isWaiting(session.facts, plan, session.tally) || awaitsGreylist(session, command)
}
