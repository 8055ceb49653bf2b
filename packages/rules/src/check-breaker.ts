import { Arming } from './arming.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Instant } from './time.ts'

/** When a check is disarmed, and for how long. Times in ms. */
export interface BreakerLimits {
  /** For how long it counts what a check said of an established client. */
  readonly window: number
  /** Established clients, each of a network of its own, that failed, from which a check is disarmed ... */
  readonly clients: number
  /** ... where they are so much of all networks of such clients that came, in percent. */
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
  /** The sender's verified name; null: it has none. */
  readonly name: string | null
  /** The client has had its good name for days (isEstablished). */
  readonly isEstablished: boolean
  /** The backend took mail of the client before, if only once, and nothing speaks against it. */
  readonly isKnown: boolean
  /** The backend took a message in this session. */
  readonly wasTaken: boolean
  /** Whether the check had its answer from outside; null: it asked nothing, or nothing was to be told. */
  readonly answered: boolean | null
}

/** After these times a count is worth 1/e: of what happens now, and of what is usual. */
const present = 10 * 60_000
const usual = 24 * 3_600_000

/** Below this share of failures nothing has leapt, however few there were before. */
const leastShare = 0.1
/** From this share of questions without an answer on nobody answers, where they were asked of so many networks: a client that asks what nobody can answer is one. */
const mostUnanswered = 0.95
const leastUnanswered = 10
/** Networks of established clients by which a check is judged, the latest. */
const mostNetworks = 100

/** Fewer names are not several senders, however many networks they have. */
const leastNames = 2
/** Networks, of established clients, that are enough where something else speaks against the check: a leap, or that it is on trial. */
const leastBacking = 2

const areSeveral = (names: readonly string[]): boolean => new Set(names).size >= leastNames

/** What a check last said of the clients of one network. */
interface Judged {
  readonly at: Instant
  readonly failed: boolean
  readonly name: string | null
}

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
 * make it fail far more clients than it did. What tells them apart are clients that the gate knows to be good, and has known for days: an attack
 * leaves them alone, a broken check cannot. So
 *  - several of them that fail within the window disarm it, whatever else happens, unless they are few beside those that pass. Each network counts once,
 *    with what was said of it last, and all together must have two verified names at least;
 *  - two do where the failures have leapt at the same time, sooner than several are found; a leap alone never does;
 *  - while it is disarmed its failures keep nobody out, so the backend is heard: one of them prolongs the rest, if its mail is taken.
 *
 * The limits of that. Where nobody has been good for days (a new gate, a store that is empty or away) nothing is found out, nor of clients that
 * are trusted, as they are not tested. A check that has
 * always refused a good client keeps it from becoming known: that is for observing to show, before a check acts. And an
 * attacker who has earned good names in as many networks as the limits say can disarm checks with them, at the cost of these names
 * (docs/precision.md has what that takes).
 *
 * Not taken: to compare how many pass now with how many did, as an attack adds failures and a broken check takes passes away. It would
 * need no known clients; but it is wrong each night, each Monday, and whenever an attack fills the gate.
 */
export class CheckBreaker {
  readonly arming = new Arming()
  private readonly now = new Share(present)
  private readonly usually = new Share(usual)
  private readonly asked = new Share(present)
  /** Networks of established clients, the one that came last at the end. */
  private readonly judged = new BoundedMap<string, Judged>(mostNetworks)
  /** Networks whose clients had no answer lately, since an established client had one: as many as are enough. */
  private readonly unanswered = new Set<string>()
  private agedAt: Instant = 0

  /** A session has ended. */
  note(showing: Showing, now: Instant, limits: BreakerLimits): void {
    const { failed, network, answered, isEstablished, wasTaken } = showing
    this.age(now, limits)
    this.now.add(failed)
    this.usually.add(failed)
    if (answered !== null) this.asked.add(!answered)
    if (answered === true && isEstablished) this.unanswered.clear()
    if (answered === false) {
      if (this.unanswered.size < leastUnanswered) this.unanswered.add(network)
      if (this.isUnanswered(limits)) this.arming.disarm('source', now, limits.rest)
    }
    if (!isEstablished) return
    if (this.arming.reason !== null) {
      if (failed && wasTaken) this.arming.disarm('good_clients', now, limits.rest)
      return
    }
    this.keep(showing, now)
    if (!failed) return
    const failing = this.failing
    if (this.failsTheGood(failing, limits)) this.disarm('good_clients', now, limits)
    else if (failing.length >= leastBacking && areSeveral(failing) && this.hasLeapt(limits))
      this.disarm('leap', now, limits)
  }

  /** What has disarmed it once does not do so again: it is tried anew by who comes then. */
  private disarm(reason: 'good_clients' | 'leap', now: Instant, { rest }: BreakerLimits): void {
    this.judged.clear()
    this.arming.disarm(reason, now, rest)
  }

  private keep({ failed, network, name }: Showing, now: Instant): void {
    this.judged.set(network, { at: now, failed, name })
  }

  /** The names of those that failed, one for each network; a network without a name stands for itself. */
  private get failing(): readonly string[] {
    return [...this.judged].flatMap(([network, { failed, name }]) => (failed ? [name ?? network] : []))
  }

  private failsTheGood(failing: readonly string[], { clients, share }: BreakerLimits): boolean {
    const enough = this.arming.isOnTrial ? Math.min(clients, leastBacking) : clients
    if (failing.length < enough || failing.length * 100 < this.judged.size * share) return false
    return enough < leastNames || areSeveral(failing)
  }

  private hasLeapt({ leap, sessions }: BreakerLimits): boolean {
    // What is usual holds what happens now, too, which must not hide itself.
    const before = this.usually.of - this.now.of
    const failedBefore = this.usually.failed - this.now.failed
    if (this.now.of < sessions || before < sessions) return false
    return this.now.value >= Math.max(leastShare, (failedBefore / before) * leap)
  }

  private isUnanswered({ sessions }: BreakerLimits): boolean {
    const isNobody = this.asked.of >= sessions && this.asked.value >= mostUnanswered
    return isNobody && this.unanswered.size >= leastUnanswered
  }

  /** Once a second does: 30 checks have three shares each. */
  private age(now: Instant, { window }: BreakerLimits): void {
    const passed = now - this.agedAt
    if (passed < 1000) return
    this.agedAt = now
    for (const share of [this.now, this.usually, this.asked]) share.fade(passed)
    if (this.asked.of < 1) this.unanswered.clear()
    for (const [network, { at }] of this.judged) {
      if (now - at < window) break
      this.judged.delete(network)
    }
  }
}
