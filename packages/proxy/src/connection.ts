import type { Socket } from 'node:net'
import { clientKey, type Instant, isPrivate, lessonOf } from '@sallyport/rules'
import { type Backend, dial, type Ends, identityHeader } from './backend.ts'
import type { Gate } from './gate.ts'
import type { ProxyHeaderReader } from './proxy-protocol/decode.ts'
import type { Ask, Asked, Port, Reached } from './session/port.ts'
import { replies } from './session/replies.ts'
import { Session } from './session/session.ts'
import { attendBackend, untie } from './sockets.ts'
import { unscheduled, type WheelEntry } from './wheel.ts'

/** How long, and how much, is read from a client after our last word, so that it can read it: a close with unread input is a RST. */
const linger = { wait: 2_000, octets: 262_144 } as const

/** Connections without a session that may wait for their client to read why; above that they are closed under its hands. */
const mostTurnedAway = 1_000

/** Replies made in one go, octets: then the other sessions have their turn, however many commands of this one wait. */
const mostAtOnce = 4_096

/**
 * The one driver: a client's socket, a backend's socket once there is one, and the session between them. Everything that the
 * session decides becomes a call here, everything that the sockets, the wheel and the look-ups have to say becomes an input
 * there. Nothing is decided here but flow control and how to close.
 */
export class Connection implements Port, WheelEntry {
  next: WheelEntry | null = null
  previous: WheelEntry | null = null
  slot = unscheduled
  due: Instant = Number.POSITIVE_INFINITY

  readonly gate: Gate
  readonly client: Socket
  backend: Socket | null = null
  session: Session | null = null
  /** Present until the PROXY header of a trusted proxy has been read. */
  header: ProxyHeaderReader | null
  ends: Ends
  /** As configured when the session began: it belongs to the session's house, and the identity to the address. */
  private behind: Backend
  /** Under which the client is counted and remembered; null: not known yet. */
  key: string | null = null
  /** It is counted among the open connections. */
  private counted = true
  /** Octets read since our last word; -1: it has not been said. */
  private lingered = -1
  /** What one input had to say, sent together at its end: a write each would cost more than all the rest. */
  private toClient = ''
  private toBackend = ''
  /** `proceed` is about to be called. */
  private proceeds = false

  constructor(gate: Gate, client: Socket, ends: Ends, header: ProxyHeaderReader | null) {
    this.gate = gate
    this.client = client
    this.ends = ends
    this.header = header
    this.behind = gate.backend
  }

  /** The client is known: its session begins. `health`: it is a balancer's probe. */
  begin(ends: Ends, health: boolean): void {
    const { gate } = this
    const now = gate.clock()
    this.ends = ends
    this.header = null
    this.behind = gate.backend
    const access = gate.access.check(ends.client)
    const arrival = {
      id: gate.ids.next(Date.now() / 1000),
      client: ends.client.text,
      clientPort: ends.clientPort,
      access,
      greetWait: gate.greetWait(ends.client),
      health: health || gate.isHealthCheck(ends.client),
      starttls: 'off',
      tls: null,
    } as const
    if (!arrival.health) {
      this.key = clientKey(ends.client)
      gate.metrics.connections.inc()
      const count = gate.census.name(this.key)
      if (access !== 'allow' && count > gate.config.limits.perClient) return this.turnAway('per_client')
    }
    this.session = new Session(gate.house, arrival, this, now)
    this.drive(() => this.session?.start(now))
  }

  /** A connection that gets no session: one line to the client and one in the log, and a close. */
  turnAway(reason: 'limit' | 'per_client' | 'proxy_header' | 'draining'): void {
    if (this.lingered >= 0) return
    const { gate, ends } = this
    const { hostname } = gate.house
    const id = gate.ids.next(Date.now() / 1000)
    // A header that comes after this must not begin a session.
    this.header = null
    gate.metrics.connectionsRefused.inc({ reason })
    gate.log.info(
      { event: 'turned_away', id, client: ends.client.text, port: ends.clientPort, reason },
      `turned away: ${reason}`,
    )
    this.send(reason === 'per_client' ? replies.tooManyConnections(hostname, id) : replies.noService(hostname, id))
    this.close()
    // Whoever is turned away takes nobody's place: else one client, turned away again and again, would keep all others out.
    this.uncount()
    if (gate.connections.size - gate.census.open > mostTurnedAway) this.client.destroySoon()
  }

  private uncount(): void {
    const { gate, key } = this
    if (key !== null) gate.census.unname(key)
    this.key = null
    if (this.counted) gate.census.leave()
    this.counted = false
  }

  /** Gives one input to the session, then sets right what follows from it: the deadline, and who may be read from. */
  drive(input: () => void): void {
    this.give(input)
    const { session } = this
    if (session === null || session.isDone) return
    if (session.isStalled && !this.isFull && !this.proceeds) {
      this.proceeds = true
      setImmediate(proceed, this)
    }
    if (this.due !== session.deadline) this.gate.wheel.schedule(this, session.deadline)
    this.regulate()
  }

  private give(input: () => void): void {
    try {
      input()
    } catch (fault) {
      this.fault(fault)
    }
    this.flush()
  }

  /** Our own fault: the session ends with 421 and the log says so. It is no reason to end the others. */
  private fault(fault: unknown): void {
    const { session, gate } = this
    gate.metrics.faults.inc()
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
    const where = { event: 'fault', id: session?.arrival.id, phase: session?.phase.name, error }
    gate.log.error(where, 'internal error in a session')
    if (session === null || session.isDone) {
      this.client.destroy()
      return
    }
    session.journal.detail = 'internal error'
    session.fault(gate.clock(), replies.internal(gate.house.hostname, session.arrival.id))
  }

  /**
   * Backpressure, both ways: who cannot send on does not read, nor is a client read from that does not take its replies. A paused
   * socket still takes one read more; so where octets are spliced both sides wait if either does, or four reads were held.
   * Elsewhere a backend has one reply to give, and is heard at once if it gives more.
   */
  private regulate(): void {
    const { client, backend, session } = this
    if (session === null) return
    const isHeld = client.writableNeedDrain || backend?.writableNeedDrain === true
    hold(client, isHeld || !session.wantsMore)
    if (backend !== null) hold(backend, isHeld && session.spliced)
  }

  /** The others have had their turn: goes on with the commands that wait. */
  proceed(): void {
    const { session } = this
    this.proceeds = false
    if (session !== null) this.drive(() => session.resume(this.gate.clock()))
  }

  /** Octets of the client behind its header. */
  receive(octets: Buffer): void {
    if (this.lingered >= 0) {
      this.lingered += octets.length
      if (this.lingered > linger.octets) this.client.destroy()
      return
    }
    this.drive(() => this.session?.receive(octets, this.gate.clock()))
  }

  /** The gate stops now. */
  dismiss(): void {
    const { session } = this
    if (session === null) this.client.destroy()
    else this.drive(() => session.dismiss(this.gate.clock()))
  }

  /** The client's side is closed for good. */
  gone(): void {
    const { gate, session } = this
    if (session !== null && !session.isDone) this.drive(() => session.broken(gate.clock()))
    this.abandon()
    this.uncount()
    gate.connections.delete(this)
    // Last: a session that is broken closes, and would wait for its client to read that.
    gate.wheel.cancel(this)
  }

  expire(now: Instant): void {
    const { session } = this
    if (this.lingered >= 0) this.client.destroy()
    else if (session !== null) this.drive(() => session.timeout(now))
    else this.turnAway('proxy_header')
  }

  // What the session does to the world.

  get isFull(): boolean {
    return this.toClient.length > mostAtOnce || this.client.writableNeedDrain
  }

  send(text: string): void {
    this.toClient += text
  }

  command(text: string): void {
    this.toBackend += text
  }

  message(octets: Uint8Array): void {
    const { backend } = this
    if (!backend?.writable) return
    // Corked until the end of the input, so that pieces go out together.
    if (backend.writableCorked === 0) backend.cork()
    if (this.toBackend !== '') backend.write(this.toBackend, 'latin1')
    this.toBackend = ''
    backend.write(octets)
  }

  octets(octets: Uint8Array): void {
    this.flush()
    if (this.client.writable) this.client.write(octets)
  }

  private flush(): void {
    const { client, backend, toClient, toBackend } = this
    if (toClient !== '') {
      this.toClient = ''
      if (client.writable) client.write(toClient, 'latin1')
    }
    if (toBackend !== '') {
      this.toBackend = ''
      if (backend?.writable) backend.write(toBackend, 'latin1')
    }
    if (backend !== null && backend.writableCorked > 0) backend.uncork()
  }

  ask(ask: Ask): void {
    this.gate.ask(this, ask)
  }

  open(): void {
    const socket = dial(this.behind)
    this.backend = socket
    attendBackend(socket, this)
  }

  reopen(): boolean {
    return false
  }

  secureClient(): void {
    throw new Error('no listener offers STARTTLS')
  }

  secureBackend(): void {
    throw new Error('no backend is asked for STARTTLS')
  }

  /** The backend has taken the connection: it is told who the client is, before anything else. */
  opened(socket: Socket): void {
    const { gate, session, ends } = this
    const header = identityHeader(this.behind.identity, ends)
    if (header !== null) socket.write(header)
    const attempt = { xclient: this.behind.identity === 'xclient', tls: 'off' } as const
    this.drive(() => session?.opened(attempt, gate.clock()))
  }

  reached(result: Reached): void {
    this.gate.reached(result, this.behind)
  }

  replied(to: Asked, wait: number): void {
    this.gate.metrics.backendReply.observe(to, wait / 1000)
  }

  abandon(): void {
    const { backend } = this
    if (backend === null) return
    this.backend = null
    this.toBackend = ''
    untie(backend)
    backend.destroy()
  }

  close(): void {
    if (this.lingered >= 0) return
    this.lingered = 0
    this.flush()
    this.client.end()
    this.client.resume()
    this.gate.wheel.schedule(this, this.gate.clock() + linger.wait)
  }

  concluded(session: Session): void {
    const { gate, key } = this
    gate.conclude(session, this.behind)
    if (key === null) return
    const lesson = lessonOf(session.house.plan, session.tally)
    if (lesson === null) return
    // Never learn against ourselves: private and loopback addresses gain no bad name.
    const blamable = !isPrivate(this.ends.client)
    if (blamable || Object.keys(lesson.passed).length > 0) {
      gate.store.remember(key, blamable ? lesson : { passed: lesson.passed, failed: {} })
    }
  }
}

function hold(socket: Socket, isHeld: boolean): void {
  if (isHeld === socket.isPaused()) return
  if (isHeld) socket.pause()
  else socket.resume()
}

const proceed = (connection: Connection) => connection.proceed()
