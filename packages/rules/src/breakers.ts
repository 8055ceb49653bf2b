import { wasAnswered } from './answered.ts'
import type { Arming, DisarmReason } from './arming.ts'
import { BoundedMap } from './bounded-map.ts'
import { type BreakerLimits, CheckBreaker, type Showing } from './check-breaker.ts'
import type { CheckName } from './checks/index.ts'
import type { Facts } from './facts.ts'
import type { Plan, PlannedCheck } from './policy.ts'
import { ProxyBreaker } from './proxy-breaker.ts'
import { isEstablished } from './reputation.ts'
import type { Tally } from './tally.ts'
import { type Instant, never } from './time.ts'

/** A session that has ended, as the breakers see it. */
export interface Passage {
  readonly plan: Plan
  readonly tally: Tally
  readonly facts: Facts
  /** The network of the client (networkKey). */
  readonly network: string
  /** The verified name of the sender, or the client (identitiesOf, the first); null: there is none. */
  readonly name: string | null
  /** The address of the trusted proxy through which it came; null: none. */
  readonly proxy: string | null
}

/** One check that is disarmed, or armed again, for all clients or (`proxy`) those of one proxy. `reason` null: it acts. */
export interface ArmingChange {
  readonly check: CheckName
  readonly proxy: string | null
  readonly reason: DisarmReason | null
}

/** Proxies that are told apart; they are the operator's, so rarely more than a few. Who did not come for longest makes place. */
const mostProxies = 64

const nobody: ReadonlySet<CheckName> = new Set()

/** The breakers of all checks: for all clients, or for those of one proxy. */
class Bank<Breaker extends { readonly arming: Arming; note: CheckBreaker['note'] }> {
  readonly breakers = new Map<CheckName, Breaker>()
  disarmed: ReadonlySet<CheckName> = nobody
  private readonly proxy: string | null
  private readonly make: () => Breaker
  private readonly tell: (change: ArmingChange) => void

  constructor(proxy: string | null, make: () => Breaker, tell: (change: ArmingChange) => void) {
    this.proxy = proxy
    this.make = make
    this.tell = tell
  }

  of(check: CheckName): Breaker {
    let breaker = this.breakers.get(check)
    if (breaker === undefined) {
      breaker = this.make()
      this.breakers.set(check, breaker)
    }
    return breaker
  }

  /** Does something to the arming of a check, and tells if that has changed whether it acts; true: or when that is to be looked at again. */
  change(check: CheckName, act: (arming: Arming) => void): boolean {
    const { arming } = this.of(check)
    const { reason, due } = arming
    act(arming)
    return this.look(check, arming, reason, due)
  }

  /** The same for what a session was to it. A function of its own: this is done for each check of each session. */
  note(check: CheckName, showing: Showing, now: Instant, limits: BreakerLimits): boolean {
    const breaker = this.of(check)
    const { reason, due } = breaker.arming
    breaker.note(showing, now, limits)
    return this.look(check, breaker.arming, reason, due)
  }

  private look(check: CheckName, arming: Arming, before: DisarmReason | null, due: Instant): boolean {
    const { reason } = arming
    if ((before === null) === (reason === null)) return due !== arming.due
    const names = [...this.breakers].filter(([, one]) => one.arming.reason !== null).map(([name]) => name)
    this.disarmed = names.length === 0 ? nobody : new Set(names)
    this.tell({ check, proxy: this.proxy, reason })
    return true
  }
}

const isEstablishedGood = ({ standing }: Facts): boolean => standing !== null && isEstablished(standing)

/** The backend took mail of the client within a half-life or so, and nothing speaks against it. That is cheap to have, and enough to defend a check. */
function isKnownGood({ standing }: Facts): boolean {
  return standing !== null && standing.accepted >= 0.5 && standing.score === 0
}

/**
 * Which checks may act. Each session that has ended is shown to them; each that begins is told whom not to heed. Nothing here is saved:
 * a gate that starts again arms everything, and finds out again.
 */
export class Breakers {
  private limits: BreakerLimits | null
  private readonly tell: (change: ArmingChange) => void
  private readonly general: Bank<CheckBreaker>
  private readonly proxies = new BoundedMap<string, Bank<ProxyBreaker>>(mostProxies)
  /** Checks whose source is known not to be well. */
  private readonly ill = new Set<CheckName>()
  private due: Instant = never

  /** `limits` null: all act, always. `tell`: called once for each change. */
  constructor(limits: BreakerLimits | null, tell: (change: ArmingChange) => void) {
    this.limits = limits
    this.tell = tell
    this.general = new Bank(null, () => new CheckBreaker(), tell)
  }

  /** Other limits hold from now on. */
  renew(limits: BreakerLimits | null): void {
    this.limits = limits
  }

  /** The checks that only observe a client that comes now. */
  disarmedFor(proxy: string | null, now: Instant): ReadonlySet<CheckName> {
    if (this.limits === null) return nobody
    if (now >= this.due) this.wake(now, this.limits)
    const { disarmed } = this.general
    const alsoThere = (proxy === null ? undefined : this.proxies.get(proxy)?.disarmed) ?? nobody
    if (alsoThere.size === 0) return disarmed
    return disarmed.size === 0 ? alsoThere : new Set([...disarmed, ...alsoThere])
  }

  /** What is disarmed now. */
  get disarmed(): readonly ArmingChange[] {
    if (this.limits === null) return []
    const all = [...this.proxies].flatMap(([proxy, bank]) => listOf(bank, proxy))
    return [...listOf(this.general, null), ...all]
  }

  /** Whom a check asks is well, or is not, by a test of its own. */
  source(check: CheckName, isWell: boolean, now: Instant): void {
    if (isWell) this.ill.delete(check)
    else this.ill.add(check)
    const { limits } = this
    if (isWell || limits === null) return
    this.general.change(check, arming => arming.disarm('source', now, limits.rest))
    this.plan()
  }

  /** A session has ended. What somebody vouched for says nothing. */
  note(passage: Passage, now: Instant): void {
    const { limits } = this
    const { plan, tally, facts, network, name, proxy } = passage
    if (limits === null || tally.vouched !== null) return
    const wasTaken = (facts.backend?.dot.accepted ?? 0) > 0
    const isEstablished = isEstablishedGood(facts)
    const isKnown = isKnownGood(facts)
    const there = proxy === null ? null : this.bankOf(proxy)
    let isMoved = false
    for (let i = 0; i < plan.checks.length; i++) {
      const planned = plan.checks[i] as PlannedCheck
      if (!planned.breaker || tally.meantFor(planned, i) === 'observe') continue
      const kind = tally.outcomes[i]?.kind
      const answered = wasAnswered(planned.asks, facts)
      if (kind === 'vouch' || (kind === 'unknown' && answered === null)) continue
      const failed = kind === 'fail' && turnsAway(planned, i, plan, tally)
      const showing = { failed, answered, network, name, isEstablished, isKnown, wasTaken }
      if (this.general.note(planned.name, showing, now, limits)) isMoved = true
      if (kind !== 'unknown' && there?.note(planned.name, showing, now, limits)) isMoved = true
    }
    if (isMoved) this.plan()
  }

  private bankOf(proxy: string): Bank<ProxyBreaker> {
    const bank = this.proxies.get(proxy) ?? new Bank(proxy, () => new ProxyBreaker(), this.tell)
    this.proxies.set(proxy, bank)
    return bank
  }

  private get banks(): readonly (Bank<CheckBreaker> | Bank<ProxyBreaker>)[] {
    return [this.general, ...this.proxies.values()]
  }

  private wake(now: Instant, { rest }: BreakerLimits): void {
    for (const bank of this.banks) {
      for (const check of bank.breakers.keys()) {
        bank.change(check, arming => {
          if (bank === this.general && this.ill.has(check)) arming.disarm('source', now, rest)
          else arming.wake(now, rest)
        })
      }
    }
    this.plan()
  }

  /** When to look again. */
  private plan(): void {
    this.due = never
    for (const bank of this.banks) {
      for (const { arming } of bank.breakers.values()) this.due = Math.min(this.due, arming.due)
    }
  }
}

function listOf({ breakers }: Bank<CheckBreaker> | Bank<ProxyBreaker>, proxy: string | null): ArmingChange[] {
  return [...breakers].flatMap(
    ([
      check,
      {
        arming: { reason },
      },
    ]) => (reason === null ? [] : [{ check, proxy, reason }]),
  )
}

/** What has failed is turned away for it, or would be if the check acted: by itself, or by the score. */
function turnsAway(planned: PlannedCheck, position: number, plan: Plan, tally: Tally): boolean {
  if (tally.meantFor(planned, position) !== 'score') return true
  const score = tally.score + (tally.isDisarmed(planned) ? planned.points : 0)
  const { defer, refuse } = plan.score
  return (defer > 0 && score >= defer) || (refuse > 0 && score >= refuse)
}
