import type { Instant } from '@sallyport/rules'
import type { SessionBackend } from '../backend.ts'

/**
 * How long a server that failed is left out, in ms: `first` the first time, twice as long each further time in a row, up to
 * `longest`; each longer or shorter by up to a `spread` of it, so that many gates do not come back to it at once.
 */
export const ejection = { first: 1_000, longest: 60_000, spread: 0.2 } as const

/** A server that comes back has `least` of its share at first, and all of it after `wait` ms, in a straight line. */
export const slowStart = { wait: 30_000, least: 0.1 } as const

const longAgo: Instant = Number.NEGATIVE_INFINITY

/**
 * What is known of one server: whether it answered when last asked (the active check), whether sessions fared badly with it of
 * late (then it is ejected for a while), how long it has been back, and how many connections it has. Groups that name the same
 * server share this. Knows no clock and no sockets.
 *
 * One failure is enough to eject: the first wait is short, the clients go to the other servers meanwhile, and where there is
 * no other the server is tried all the same. Not taken: a share of failures over a window. It needs traffic before it says
 * anything, and with a server that accepts and never greets each failure costs a client half a minute.
 */
export class Server {
  /** `host:port`, as the log and the metrics have it. */
  readonly name: string
  backend: SessionBackend
  /** Whether it answered when last asked; true until it has been asked. */
  up = true
  /** The keyword lines of its EHLO reply as last heard; null: not heard yet. */
  keywords: readonly string[] | null = null
  /** The most connections at a time. */
  limit: number
  /** How often it is asked, ms. */
  probeEvery: number
  /** How often it was left out after a failure: for the counters. */
  ejected = 0
  private connections = 0
  /** In a row. */
  private ejections = 0
  private ejectedAt = longAgo
  private ejectedUntil = longAgo
  private returnedAt = longAgo
  private failedAt = longAgo
  private readonly hearers = new Set<() => void>()

  constructor(name: string, backend: SessionBackend, limit: number, probeEvery: number) {
    this.name = name
    this.backend = backend
    this.limit = limit
    this.probeEvery = probeEvery
  }

  /** Connections now. */
  get open(): number {
    return this.connections
  }

  get hasRoom(): boolean {
    return this.connections < this.limit
  }

  /** When it last gave trouble; long ago: never. */
  get troubledAt(): Instant {
    return this.failedAt
  }

  isHealthy(now: Instant): boolean {
    return this.up && now >= this.ejectedUntil
  }

  /** How much of its share a healthy server gets, from `slowStart.least` to 1. */
  share(now: Instant): number {
    const back = (now - this.returnedAt) / slowStart.wait
    return Math.min(1, slowStart.least + (1 - slowStart.least) * Math.max(0, back))
  }

  take(): void {
    this.connections++
  }

  /** A connection that was taken is closed. */
  release(): void {
    this.connections--
    for (const hear of [...this.hearers]) hear()
  }

  /** `hear` is told when there may be room, or the server is back. */
  onRoom(hear: () => void): void {
    this.hearers.add(hear)
  }

  offRoom(hear: () => void): void {
    this.hearers.delete(hear)
  }

  /**
   * An attempt that began at `begun` failed before the server had answered for itself. Gives for how long it is ejected, in
   * ms; 0: this says nothing new, as the attempt was under way when an earlier one failed. `dice` is from 0 to 1.
   */
  failed(begun: Instant, now: Instant, dice: number): number {
    if (begun < this.ejectedAt) return 0
    const wait = Math.min(ejection.first * 2 ** this.ejections, ejection.longest)
    const spread = Math.round(wait * (1 + ejection.spread * (2 * dice - 1)))
    if (wait < ejection.longest) this.ejections++
    this.ejected++
    this.ejectedAt = now
    this.failedAt = now
    this.ejectedUntil = now + spread
    this.returnedAt = this.ejectedUntil
    return spread
  }

  /** An attempt that began at `begun` was answered, were it with a refusal. Gives whether it was taken to be down until now. */
  succeeded(begun: Instant, now: Instant): boolean {
    if (begun < this.ejectedAt) return false
    const wasDown = !this.up
    this.up = true
    // It was tried for want of a better one.
    if (wasDown || now < this.ejectedUntil) this.comeBack(now)
    // One that fails now and then waits longer each time, until it has worked for as long as a slow start takes.
    else if (now - this.returnedAt >= slowStart.wait) this.ejections = 0
    return wasDown
  }

  /** It was asked, and did or did not answer as a mail server should. Gives whether that is a change. */
  checked(up: boolean, now: Instant): boolean {
    if (!up) this.failedAt = now
    if (up === this.up) return false
    this.up = up
    if (up) this.comeBack(now)
    return true
  }

  private comeBack(now: Instant): void {
    this.ejectedUntil = now
    this.returnedAt = now
    this.ejections = 0
    for (const hear of [...this.hearers]) hear()
  }
}
