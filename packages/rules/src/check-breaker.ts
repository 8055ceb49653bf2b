import { Arming } from './arming.ts'
import type { Instant } from './time.ts'

/** When a check is disarmed, and for how long. Times in ms. */
export interface BreakerLimits {
  /** For how long a known good client that failed counts. */
  readonly window: number
  /** Known good clients, each of a network of its own, from which a check is disarmed ... */
  readonly clients: number
  /** ... where they are so much of all sessions of known good clients, in percent. */
  readonly share: number
  /** How many times more often than usual a check must fail to have leapt. */
  readonly leap: number
  /** Sessions below which no share of them says anything. */
  readonly sessions: number
  /** How long nothing may speak against it before it acts again. */
  readonly rest: number
}

/** What one session was to one check. */
export interface Showing {
  /** It failed, and was turned away for it, or would have been. */
  readonly failed: boolean
  /** The network of the client (networkKey). */
  readonly network: string
  /** The backend took mail of the client before, and nothing speaks against it. */
  readonly isGood: boolean
  /** Whether the check had its answer from outside; null: it asked nothing, or nothing was to be told. */
  readonly answered: boolean | null
}

/** After these times a count is worth 1/e: of what happens now, and of what is usual. */
const present = 10 * 60_000
const usual = 24 * 3_600_000

/** Below this share of failures nothing has leapt, however few there were before. */
const leastShare = 0.1
/** From this share of questions without an answer on nobody answers. Of a client's own making are some, never nearly all. */
const mostUnanswered = 0.95
/** Good clients that are kept apart; more are as good as so many. */
const mostNetworks = 100

/** Sessions, and how many of them failed, faded. */
class Share {
  private readonly span: number
  of = 0
  failed = 0

  constructor(span: number) {
    this.span = span
  }

  /** `passed`: ms. */
  fade(passed: number): void {
    const left = Math.exp(-passed / this.span)
    this.of *= left
    this.failed *= left
  }

  add(failed: boolean): void {
    this.of++
    if (failed) this.failed++
  }

  get value(): number {
    return this.of === 0 ? 0 : this.failed / this.of
  }
}

/**
 * Whether one check may act, by what it did to all clients. Two things can look alike: an attack, and a check that has broken. Both
 * make it fail far more clients than it did. What tells them apart are clients that the gate knows to be good: an attack leaves them
 * alone, a broken check cannot. So
 *  - several known good clients that fail within the window disarm it, whatever else happens, unless they are few beside those that pass;
 *  - one does where the failures have leapt at the same time, sooner than several are found; a leap alone never does.
 *
 * The limits of that. Where nobody is known for good (a new gate, a store that is empty or away) nothing is found out. A check that has
 * always refused a good client keeps it from becoming known: that is for observing to show, before a check acts. And an
 * attacker who has earned good names in as many networks as the limits say can disarm checks with them, at the cost of these names.
 *
 * Not taken: to compare how many pass now with how many did, as an attack adds failures and a broken check takes passes away. It would
 * need no known clients; but it is wrong each night, each Monday, and whenever an attack fills the gate.
 */
export class CheckBreaker {
  readonly arming = new Arming()
  private readonly now = new Share(present)
  private readonly usually = new Share(usual)
  private readonly good = new Share(present)
  private readonly asked = new Share(present)
  /** When a known good client of that network last failed. */
  private readonly failing = new Map<string, Instant>()
  private agedAt: Instant = 0

  /** A session has ended. */
  note({ failed, network, isGood, answered }: Showing, now: Instant, limits: BreakerLimits): void {
    this.age(now, limits)
    this.now.add(failed)
    this.usually.add(failed)
    if (answered !== null) this.asked.add(!answered)
    if (isGood) this.good.add(failed)
    if (answered === false && this.isUnanswered(limits)) this.arming.disarm('source', now, limits.rest)
    if (!failed || !isGood) return
    this.failing.delete(network)
    this.failing.set(network, now)
    for (const oldest of this.failing.keys()) {
      if (this.failing.size <= mostNetworks) break
      this.failing.delete(oldest)
    }
    if (this.failsTheGood(limits)) this.arming.disarm('good_clients', now, limits.rest)
    else if (this.hasLeapt(limits)) this.arming.disarm('leap', now, limits.rest)
  }

  /** Of one that is disarmed or on trial already, one client is enough. */
  private failsTheGood({ clients, share }: BreakerLimits): boolean {
    const enough = this.arming.reason !== null || this.arming.isOnTrial ? 1 : clients
    return this.failing.size >= enough && this.good.value * 100 >= share
  }

  private hasLeapt({ leap, sessions }: BreakerLimits): boolean {
    // What is usual holds what happens now, too, which must not hide itself.
    const before = this.usually.of - this.now.of
    const failedBefore = this.usually.failed - this.now.failed
    if (this.now.of < sessions || before < sessions) return false
    return this.now.value >= Math.max(leastShare, (failedBefore / before) * leap)
  }

  private isUnanswered({ sessions }: BreakerLimits): boolean {
    return this.asked.of >= sessions && this.asked.value >= mostUnanswered
  }

  /** Once a second does: 30 checks have four shares each. */
  private age(now: Instant, { window }: BreakerLimits): void {
    const passed = now - this.agedAt
    if (passed < 1000) return
    this.agedAt = now
    for (const share of [this.now, this.usually, this.good, this.asked]) share.fade(passed)
    for (const [network, at] of this.failing) {
      if (now - at < window) break
      this.failing.delete(network)
    }
  }
}
