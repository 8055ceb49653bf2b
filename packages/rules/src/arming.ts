import { type Instant, never } from './time.ts'

export const disarmReasons = ['good_clients', 'leap', 'source', 'proxy'] as const
/**
 * Why a check only observes although it is to act.
 *  - `good_clients`: it failed several clients whose good name is some days old;
 *  - `leap`: it fails many times more clients than it used to, two of those among them;
 *  - `source`: whoever it asks does not answer, or not as it must;
 *  - `proxy`: it fails nearly all clients of one trusted proxy (and acts for those of others).
 */
export type DisarmReason = (typeof disarmReasons)[number]

/** How often a rest doubles when the check is found wanting again and again. */
const mostDoublings = 5

/**
 * Whether one check may act: armed; disarmed until nothing has spoken against it for a time of rest; then armed on trial for as long
 * again, in which less disarms it, for twice as long. While disarmed it is still tested, so a rest that is over says
 * something wherever clients came.
 */
export class Arming {
  /** null: it acts. */
  reason: DisarmReason | null = null
  /** The end of the rest, or of the trial. */
  due: Instant = never
  private doublings = 0

  get isOnTrial(): boolean {
    return this.reason === null && this.due !== never
  }

  /** Something speaks against the check: it is disarmed, or stays so. */
  disarm(reason: DisarmReason, now: Instant, rest: number): void {
    if (this.isOnTrial) this.doublings = Math.min(this.doublings + 1, mostDoublings)
    this.reason ??= reason
    this.due = now + rest * 2 ** this.doublings
  }

  /** The time has come; too early a call does nothing. */
  wake(now: Instant, rest: number): void {
    if (now < this.due) return
    if (this.reason !== null) {
      this.reason = null
      this.due = now + rest
    } else {
      this.due = never
      this.doublings = 0
    }
  }
}
