import type { Backend } from '../backend.ts'
import type { Backends } from './backends.ts'
import { Lease, type Seeker } from './lease.ts'
import type { Server } from './server.ts'

/** The connection that wants a backend. */
interface Caller {
  clock(): number
  /** Connects to this backend. */
  dial(backend: Backend): void
  /** There is no backend to be had. */
  failed(why: string): void
}

/**
 * A session's way to the backends: the lease of the attempt under way, and the server that the session has had last, to which it
 * comes back. Made when the first backend is opened: most that are held off never have one.
 */
export class Passage implements Seeker {
  private readonly backends: Backends
  private readonly caller: Caller
  private lease: Lease | null = null

  constructor(backends: Backends, caller: Caller) {
    this.backends = backends
    this.caller = caller
  }

  /** The server of the latest attempt; null: there was none. */
  get server(): Server | null {
    return this.lease?.server ?? null
  }

  /** It waits for a connection, or is to hear that it gets none. */
  get isShort(): boolean {
    return this.lease?.isShort === true
  }

  open(group: string | null): void {
    const stay = this.server
    this.release()
    this.lease = new Lease(this.backends.group(group), this)
    const found = this.lease.seek(stay, this.caller.clock())
    if (found === 'taken') this.dial()
    else if (found !== 'wait') this.refused(this.lease, 'every server has its most connections')
  }

  /** The next server that has not been tried, after `release`; false: there is none. */
  reopen(): boolean {
    const { lease } = this
    if (lease === null) return false
    const found = lease.seek(null, this.caller.clock())
    if (found === 'taken') this.dial()
    return found === 'taken' || found === 'wait'
  }

  /** How the latest attempt went: answered, or not. */
  fared(well: boolean): void {
    this.lease?.fared(well, this.caller.clock())
  }

  /** What the session has of the server, or of the queue, is given back. */
  release(): void {
    this.lease?.release()
  }

  granted(): void {
    this.dial()
  }

  refused(lease: Lease, why: string): void {
    // In a turn of its own: this may come from within what another session is told, or this one.
    setImmediate(() => {
      if (this.lease === lease && lease.isShort) this.caller.failed(why)
    })
  }

  private dial(): void {
    if (this.server !== null) this.caller.dial(this.server.backend)
  }
}
