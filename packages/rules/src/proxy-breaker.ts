import { Arming } from './arming.ts'
import type { BreakerLimits, Showing } from './check-breaker.ts'
import type { Instant } from './time.ts'

/** A count is worth 1/e after so long, ms. */
const span = 10 * 60_000
/** From this share of failures on it is the proxy that fails. */
const mostFailed = 0.9
/** Clients, each of a network of its own, from which it is not one of them. */
const leastNetworks = 10

/**
 * Whether one check may act on the clients of one trusted proxy. A balancer that waits for the client to speak before it connects makes every
 * client look an early talker; the same check is right about all who come another way. Under an attack nearly all fail as well; but then
 * known good clients still pass through the same proxy, and where one did within the window the proxy is not to blame.
 *
 * The limit of that: a gate behind one proxy only, that knows nobody for good, and that nearly everybody attacks, lets a check observe
 * until the attack is over.
 */
export class ProxyBreaker {
  readonly arming = new Arming()
  private sessions = 0
  private failed = 0
  private readonly networks = new Set<string>()
  private spared: Instant = Number.NEGATIVE_INFINITY
  private agedAt: Instant = 0

  /** A session through the proxy, of which the check has said something, has ended. */
  note({ failed, network, isKnown }: Showing, now: Instant, limits: BreakerLimits): void {
    this.age(now)
    this.sessions++
    if (!failed) {
      if (isKnown) this.spared = now
      return
    }
    this.failed++
    if (this.networks.size < leastNetworks) this.networks.add(network)
    if (this.isToBlame(now, limits)) this.arming.disarm('proxy', now, limits.rest)
  }

  private isToBlame(now: Instant, { sessions, window }: BreakerLimits): boolean {
    return (
      this.sessions >= sessions &&
      this.failed >= this.sessions * mostFailed &&
      this.networks.size >= leastNetworks &&
      now - this.spared >= window
    )
  }

  private age(now: Instant): void {
    const passed = now - this.agedAt
    if (passed < 1000) return
    this.agedAt = now
    const left = Math.exp(-passed / span)
    this.sessions *= left
    this.failed *= left
    if (this.failed < 1) this.networks.clear()
  }
}
