import type { Connection } from '../connection.ts'
import type { Backends } from './backends.ts'
import { Lease, type Seeker } from './lease.ts'
import type { Server } from './server.ts'

/**
 * A session's way to the backends: the lease of the attempt under way, and the server that the session has had last, to which it
 * comes back. Made when the first backend is opened: most that are held off never have one.
 */
export class Passage implements Seeker {
  private readonly backends: Backends
  private readonly connection: Connection
  private lease: Lease | null = null

  constructor(backends: Backends, connection: Connection) {
    this.backends = backends
    this.connection = connection
  }

  /** The server of the latest attempt; null: there was none. */
  get server(): Server | null {
    return this.lease?.server ?? null
  }

  open(group: string | null): void {
    const stay = this.server
    this.release()
    this.lease = new Lease(this.backends.group(group), this)
    const found = this.lease.seek(stay, this.connection.gate.clock())
    if (found === 'taken') this.dial()
    else if (found !== 'wait') this.refused(this.lease, 'every server has its most connections')
  }

  /** Lets the present attempt go for the next server that has not been tried; false: there is none. */
  reopen(): boolean {
    const { lease, connection } = this
    if (lease === null || lease.isShort) return false
    connection.abandon()
    const found = lease.seek(null, connection.gate.clock())
    if (found === 'taken') this.dial()
    return found === 'taken' || found === 'wait'
  }

  /** How the latest attempt went: answered, or not. */
  fared(well: boolean): void {
    this.lease?.fared(well, this.connection.gate.clock())
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
      const { connection } = this
      if (this.lease !== lease || !lease.isShort) return
      connection.drive(() => connection.session?.backendGone(why, connection.gate.clock()))
    })
  }

  private dial(): void {
    if (this.server !== null) this.connection.dial(this.server.backend)
  }
}
