import type { Socket } from 'node:net'
import { dial, identityHeader } from '../backend.ts'
import type { Connection } from '../connection.ts'
import { attendBackend } from '../sockets.ts'
import { secureBackend } from '../tls/handshake.ts'
import { Assignment, type Seeker } from './assignment.ts'
import type { Backends } from './backends.ts'
import type { Server } from './server.ts'

/**
 * A session's way to the backends: the assignment of the attempt under way, and the server that the session has had last, to which it
 * comes back. Made when the first backend is opened: most that are held off never have one.
 */
export class Passage implements Seeker {
  private readonly backends: Backends
  private readonly connection: Connection
  private assignment: Assignment | null = null
  /** The server that is spoken to in the clear, as its TLS failed; null: none. */
  private plain: Server | null = null

  constructor(backends: Backends, connection: Connection) {
    this.backends = backends
    this.connection = connection
  }

  /** The server of the latest attempt; null: there was none. */
  get server(): Server | null {
    return this.assignment?.server ?? null
  }

  /** The present server is spoken to in the clear, whatever is configured. */
  private get isPlain(): boolean {
    return this.plain !== null && this.plain === this.server
  }

  open(group: string | null): void {
    const stay = this.server
    this.release()
    this.assignment = new Assignment(this.backends.group(group), this)
    const found = this.assignment.seek(stay, this.connection.gate.clock())
    if (found === 'taken') this.dial()
    else if (found !== 'wait') this.refused(this.assignment, 'every server has its most connections')
  }

  /**
   * Lets the present attempt go, for the same server without a TLS that failed, or for the next one that has not been tried;
   * false: there is none.
   */
  reopen(): boolean {
    const { assignment, connection } = this
    if (assignment === null || assignment.isShort) return false
    const again = this.couldDoPlain ? this.server : null
    connection.abandon()
    if (again !== null) {
      this.plain = again
      assignment.forgive()
    }
    const found = assignment.seek(again, connection.gate.clock())
    if (found === 'taken') this.dial()
    return found === 'taken' || found === 'wait'
  }

  /** The server has taken the connection: it is told who the client is, before anything else. */
  opened(socket: Socket): void {
    const { connection, server } = this
    const { session, gate, ends } = connection
    if (session === null || server === null) return
    const { identity, tls } = server.backend
    const header = identityHeader(identity, ends, session.tls)
    if (header !== null) socket.write(header)
    const attempt = { xclient: identity === 'xclient', tls: this.isPlain ? 'off' : tls.mode } as const
    connection.drive(() => session.opened(attempt, gate.clock()))
  }

  /** TLS begins with the present server. */
  secure(): void {
    if (this.server !== null) secureBackend(this.connection, this.server.backend.tls)
  }

  /** How the latest attempt went: answered, or not. */
  fared(well: boolean): void {
    // It may do well without TLS; until then nothing is known of it.
    if (!well && this.couldDoPlain) return
    this.assignment?.fared(well, this.connection.gate.clock())
  }

  /** What the session has of the server, or of the queue, is given back. */
  release(): void {
    this.assignment?.release()
  }

  granted(): void {
    this.dial()
  }

  refused(assignment: Assignment, why: string): void {
    // In a turn of its own: this may come from within what another session is told, or this one.
    setImmediate(() => {
      const { connection } = this
      if (this.assignment !== assignment || !assignment.isShort) return
      connection.drive(() => connection.session?.backendGone(why, connection.gate.clock()))
    })
  }

  /** Without TLS there is another chance. */
  private get couldDoPlain(): boolean {
    return this.connection.tlsFailed && !this.isPlain && this.server?.backend.tls.mode === 'opportunistic'
  }

  /** A server has been chosen: connects to it. */
  private dial(): void {
    const { connection, server } = this
    if (server === null) return
    connection.tlsFailed = false
    connection.backend = dial(server.backend)
    attendBackend(connection.backend, connection)
  }
}
