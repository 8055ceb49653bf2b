import type { Instant } from '@sallyport/rules'
import type { Group } from './group.ts'
import type { Server } from './server.ts'

/** Who wants a server and was told to wait; hears of it while others are worked for. */
export interface Seeker {
  /** `lease.server` is there to be connected to. */
  granted(lease: Lease): void
  /** There will be none. */
  refused(lease: Lease, why: string): void
}

/**
 * What one session has of a group: a connection of one of its servers, or a place in its queue, or neither; and which servers
 * it has tried. Whatever it has is given back by `release`.
 */
export class Lease {
  readonly group: Group
  readonly seeker: Seeker
  readonly tried: Server[] = []
  /** null: none yet, or it has been given back. */
  server: Server | null = null
  /** The one that it had last; null: none so far. */
  last: Server | null = null
  private begun: Instant = 0
  private isTold = false

  constructor(group: Group, seeker: Seeker) {
    this.group = group
    this.seeker = seeker
  }

  /** Takes a connection of a server. */
  take(server: Server, now: Instant): void {
    server.take()
    this.tried.push(server)
    this.server = server
    this.last = server
    this.begun = now
    this.isTold = false
  }

  /** How the present attempt went, for the choice of others. Only the first word of an attempt counts. */
  fared(well: boolean, now: Instant): void {
    if (this.server === null || this.isTold) return
    this.isTold = true
    if (well) this.group.succeeded(this.server, this.begun, now)
    else this.group.failed(this.server, this.begun, now)
  }

  /** The connection, or the place in the queue, is free for others. May be called again. */
  release(): void {
    this.group.leave(this)
    const { server } = this
    this.server = null
    server?.release()
  }
}
