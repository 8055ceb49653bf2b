import type { Instant } from '@sallyport/rules'
import type { Found, Group } from './group.ts'
import type { Server } from './server.ts'

/** Who wants a server and was told to wait; hears of it while others are worked for. */
export interface Seeker {
  /** The assignment has a server now, to be connected to. */
  granted(assignment: Assignment): void
  /** There will be none. */
  refused(assignment: Assignment, why: string): void
}

/**
 * What a session has of a group: a connection of one of its servers, or a place in its queue, or neither; and which servers it
 * has tried. Whatever it has is given back by `release`.
 */
export class Assignment {
  readonly group: Group
  readonly seeker: Seeker
  readonly tried: Server[] = []
  /** Of the latest attempt; null: there was none yet. */
  server: Server | null = null
  private begun: Instant = 0
  private state: 'idle' | 'taken' | 'short' = 'idle'
  private isTold = false

  constructor(group: Group, seeker: Seeker) {
    this.group = group
    this.seeker = seeker
  }

  /** It waits for a connection, or is to hear that it gets none. */
  get isShort(): boolean {
    return this.state === 'short'
  }

  /** As `Group.seek`. */
  seek(stay: Server | null, now: Instant): Found {
    const found = this.group.seek(this, stay, now)
    if (found !== 'taken') this.state = 'short'
    return found
  }

  /** Takes a connection of a server: an attempt begins. */
  take(server: Server, now: Instant): void {
    server.take()
    if (!this.tried.includes(server)) this.tried.push(server)
    this.server = server
    this.begun = now
    this.state = 'taken'
    this.isTold = false
  }

  /** The latest server may be tried once more, in another way. */
  forgive(): void {
    const at = this.server === null ? -1 : this.tried.indexOf(this.server)
    if (at >= 0) this.tried.splice(at, 1)
  }

  /** How the latest attempt went, for the choice of others. Only the first word of an attempt counts. */
  fared(well: boolean, now: Instant): void {
    if (this.server === null || this.isTold) return
    this.isTold = true
    if (well) this.group.succeeded(this.server, this.begun, now)
    else this.group.failed(this.server, this.begun, now)
  }

  /** The connection, or the place in the queue, is free for others. May be called again. */
  release(): void {
    this.group.leave(this)
    const { state } = this
    this.state = 'idle'
    if (state === 'taken') this.server?.release()
  }
}
