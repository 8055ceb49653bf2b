import { setTimeout as pause } from 'node:timers/promises'
import type { StoreLog } from '../store.ts'
import { Breaker, breakerLimits } from './breaker.ts'
import { isRefusal, type RedisConnection } from './redis-connection.ts'

type Connections = Pick<RedisConnection, 'isReady' | 'isGone' | 'ping'>

interface Node {
  readonly breaker: Breaker
  probeTimer: NodeJS.Timeout | null
  /** As it is silent. */
  isSounded: boolean
}

/**
 * A breaker for each node, so that one of a cluster that hangs costs its own clients one wait and the clients of the others
 * nothing. What is not a cluster is one node, with no name.
 */
export class RedisNodes {
  readonly #redis: Connections
  readonly #log: StoreLog
  readonly #nodes = new Map<string, Node>()
  #closed = false

  constructor(redis: Connections, log: StoreLog) {
    this.#redis = redis
    this.#log = log
  }

  get up(): boolean {
    for (const { breaker } of this.#nodes.values()) if (!breaker.up) return false
    return true
  }

  /** Whether this node is asked now. */
  isAsked(name: string): boolean {
    return this.#redis.isReady(name) && this.#nodes.get(name)?.breaker.up !== false
  }

  /** Whether who comes now need not wait for this node. */
  isSilent(name: string): boolean {
    return this.#nodes.get(name)?.breaker.silent === true
  }

  /** null: this node is not to be asked now. What is given has been taken, and must be given back. */
  take(name: string): Breaker | null {
    if (!this.#redis.isReady(name)) return null
    const { breaker } = this.#node(name)
    return breaker.take() ? breaker : null
  }

  /** It was asked, and did not answer: from now on we ask for our own sake, until it does or is given up. */
  failed(name: string, breaker: Breaker, reason: string): void {
    breaker.failed(performance.now(), reason)
    const node = this.#node(name)
    if (node.breaker === breaker && !node.isSounded) void this.#sound(name, node, reason)
  }

  /** A connection was made: the first, or one that may show that it is back. */
  ready(name: string): void {
    const node = this.#nodes.get(name)
    if (node !== undefined) void this.#probe(name, node, performance.now())
  }

  lost(reason: string, name: string): void {
    this.#node(name).breaker.lost(performance.now(), reason)
  }

  close(): void {
    this.#closed = true
    for (const { probeTimer } of this.#nodes.values()) if (probeTimer !== null) clearTimeout(probeTimer)
  }

  #node(name: string): Node {
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const breaker = new Breaker(breakerLimits, (up, reason) => this.#changed(name, up, reason))
    const node = { breaker, probeTimer: null, isSounded: false }
    this.#nodes.set(name, node)
    return node
  }

  /** Asks a node that is silent again and again, one after the other, so that no client has to wait to find out what is the matter. */
  async #sound(name: string, node: Node, reason: string): Promise<void> {
    const { breaker } = node
    node.isSounded = true
    for (;;) {
      // A connection that has just broken refuses at once, and says that it is closed only when the event loop has had its turn.
      await pause(breakerLimits.apart, undefined, { ref: false })
      if (this.#closed || !breaker.silent || !this.#redis.isReady(name) || !breaker.take()) break
      try {
        await this.#redis.ping(name)
        breaker.heard()
      } catch (error) {
        if (isRefusal(error)) breaker.heard()
        else breaker.failed(performance.now(), reason)
      }
    }
    node.isSounded = false
  }

  #changed(name: string, up: boolean, reason: string): void {
    const [what, whose] = name === '' ? ['Redis', 'clients'] : [`the Redis node ${name}`, 'its clients']
    if (up) return this.#log.info(`${what} answers again: ${whose} are remembered there`)
    this.#log.warn(`${what} does not answer (${reason}): ${whose} are remembered in this process until it does`)
    this.#scheduleProbe(name, this.#node(name))
  }

  #scheduleProbe(name: string, node: Node, least = 0): void {
    if (node.probeTimer !== null) clearTimeout(node.probeTimer)
    if (this.#closed) return
    const { probeAt } = node.breaker
    // A timer counts from the beginning of its turn of the event loop, so that it may fire before `probeAt`: it is its time.
    const again = () => void this.#probe(name, node, Math.max(probeAt, performance.now()))
    node.probeTimer = setTimeout(again, Math.max(least, probeAt - performance.now())).unref()
  }

  #forget(name: string): void {
    this.#nodes.delete(name)
    this.#log.info(`others are in the place of the Redis node ${name}: its clients are remembered there`)
  }

  /**
   * Asks whether a node is back, if that is due. Without a connection there is nobody to ask: the next one asks. It may have
   * ceased to be a node meanwhile, which is looked at now and then.
   */
  async #probe(name: string, node: Node, now: number): Promise<void> {
    const { breaker } = node
    if (this.#closed || breaker.up) return
    if (this.#redis.isGone(name)) return this.#forget(name)
    if (!this.#redis.isReady(name)) return this.#scheduleProbe(name, node, breakerLimits.longestWait)
    if (!breaker.probe(now)) return
    try {
      await this.#redis.ping(name)
    } catch (error) {
      if (!isRefusal(error)) {
        breaker.probeFailed(performance.now())
        this.#scheduleProbe(name, node)
        return
      }
    }
    breaker.restored()
  }
}
