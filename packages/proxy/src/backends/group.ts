import type { Instant } from '@sallyport/rules'
import type { Picking } from '../config/config.ts'
import { unscheduled, type Wheel, type WheelEntry } from '../wheel.ts'
import type { Assignment } from './assignment.ts'
import { choose, type Member } from './choice.ts'
import { Queue } from './queue.ts'
import type { Server } from './server.ts'

/** Servers tried for one session, at the most: each may cost it the time for a connection and a greeting. */
const mostTries = 4

/** What became of somebody who had to wait. */
export const queueResults = ['served', 'late', 'full', 'left'] as const
export type QueueResult = (typeof queueResults)[number]

/**
 * What became of a wish for a server. `wait`: it stands in the queue, and its seeker will hear; `full`: so does everybody else;
 * `none`: all were tried.
 */
export type Found = 'taken' | 'wait' | 'full' | 'none'

/** What a group needs of the world, and tells it. */
export interface Surroundings {
  readonly wheel: Pick<Wheel, 'schedule' | 'cancel'>
  /** From 0 to 1. */
  random(): number
  clock(): Instant
  /** A server is left out for `wait` ms, because an attempt failed. */
  ejected(server: Server, wait: number): void
  /** An attempt failed. */
  troubled(server: Server): void
  /** A server that was taken to be down has answered a session. */
  returned(server: Server): void
  queued(result: QueueResult): void
}

interface GroupOptions {
  readonly picking: Picking
  readonly queue: { readonly length: number; readonly wait: number }
}

/**
 * Servers that stand in for each other, and those who wait until one of them has room. The group itself has a deadline in the
 * wheel, that of the first who waits: nobody who waits costs a timer.
 */
export class Group implements WheelEntry {
  next: WheelEntry | null = null
  previous: WheelEntry | null = null
  slot = unscheduled
  due: Instant = Number.POSITIVE_INFINITY

  readonly members: readonly Member[]
  private readonly picking: Picking
  private readonly queue: Queue<Assignment>
  private readonly around: Surroundings
  private readonly hear = (): void => this.serve(this.around.clock())

  constructor(members: readonly Member[], { picking, queue }: GroupOptions, around: Surroundings) {
    this.members = members
    this.picking = picking
    this.queue = new Queue(queue.length, queue.wait)
    this.around = around
  }

  /** Whether a server of it answered when last asked. */
  get isUp(): boolean {
    return this.members.some(({ server }) => server.up)
  }

  get waiting(): number {
    return this.queue.size
  }

  /**
   * A server for the assignment, which it then has: `stay` while that is healthy and has room, so that a session stays with its
   * backend.
   */
  seek(assignment: Assignment, stay: Server | null, now: Instant): Found {
    // Whoever came before goes first.
    if (this.queue.size > 0) this.serve(now)
    const server = this.choose(assignment, stay, now)
    if (server === 'none') return 'none'
    if (server !== 'full') {
      assignment.take(server, now)
      return 'taken'
    }
    if (!this.queue.join(assignment, now)) {
      this.around.queued('full')
      return 'full'
    }
    this.attend()
    return 'wait'
  }

  leave(assignment: Assignment): void {
    if (!this.queue.leave(assignment)) return
    this.around.queued('left')
    this.attend()
  }

  failed(server: Server, begun: Instant, now: Instant): void {
    const wait = server.failed(begun, now, this.around.random())
    if (wait > 0 && this.members.length > 1) this.around.ejected(server, wait)
    this.around.troubled(server)
  }

  succeeded(server: Server, begun: Instant, now: Instant): void {
    if (server.succeeded(begun, now)) this.around.returned(server)
  }

  /** The first of those who wait have waited long enough. */
  expire(now: Instant): void {
    for (;;) {
      const assignment = this.queue.expired(now)
      if (assignment === null) break
      this.around.queued('late')
      assignment.seeker.refused(assignment, 'no connection became free in time')
    }
    this.attend()
  }

  private choose(assignment: Assignment, stay: Server | null, now: Instant): Server | 'full' | 'none' {
    const { tried } = assignment
    if (tried.length >= mostTries) return 'none'
    const kept = this.members.find(({ server }) => server === stay)?.server
    if (kept?.isHealthy(now) && kept.hasRoom && !tried.includes(kept)) return kept
    return choose(this.members, this.picking, tried, now)
  }

  /** Gives what has become free to those who wait. */
  private serve(now: Instant): void {
    for (const assignment of this.queue) {
      const server = this.choose(assignment, null, now)
      // Nothing is free; but for one who has tried what is free already.
      if (server === 'full' && assignment.tried.length === 0) break
      if (server === 'full' || server === 'none') continue
      this.queue.leave(assignment)
      assignment.take(server, now)
      this.around.queued('served')
      assignment.seeker.granted(assignment)
    }
    this.attend()
  }

  /** Hears of room while somebody waits, and no longer. */
  private attend(): void {
    const { queue, around, hear } = this
    if (queue.size === 0) around.wheel.cancel(this)
    else around.wheel.schedule(this, queue.due)
    for (const { server } of this.members) {
      if (queue.size === 0) server.offRoom(hear)
      else server.onRoom(hear)
    }
  }
}
