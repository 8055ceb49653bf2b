import type { Socket } from 'node:net'
import type { Instant } from '@sallyport/rules'
import type { Ends } from './backend.ts'
import type { Backends } from './backends/backends.ts'
import { Passage } from './backends/passage.ts'
import type { ListenMode } from './config/config.ts'
import { isBehind, regulate } from './flow.ts'
import type { Gate } from './gate.ts'
import { ask } from './inquiry.ts'
import { hearOut, linger } from './linger.ts'
import type { ProxyHeaderReader } from './proxy-protocol/decode.ts'
import { arrivalOf, turnAway, uncount } from './reception.ts'
import type { TlsInfo } from './session/arrival.ts'
import { isLured } from './session/decoy.ts'
import type { Ask, Asked, Port, Reached } from './session/port.ts'
import { Session } from './session/session.ts'
import { untie } from './sockets.ts'
import { handshakeFailed, secureClient } from './tls/handshake.ts'
import { unscheduled, type WheelEntry } from './wheel.ts'

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
  readonly mode: ListenMode
  /** Of the client; once TLS has begun, the socket of that. */
  client: Socket
  backend: Socket | null = null
  /** The side with which TLS is being agreed on. Never both: a client's STARTTLS lets the backend go. */
  securing: 'client' | 'backend' | null = null
  /** The handshake with the backend failed. */
  tlsFailed = false
  session: Session | null = null
  /** Present until the PROXY header of a trusted proxy has been read. */
  header: ProxyHeaderReader | null
  ends: Ends
  /** As configured when the session began: they belong to its house. */
  backends: Backends
  /** null: no backend has been opened yet. */
  private passage: Passage | null = null
  /** What is still to be said to a client that has been turned away; null: nothing. */
  farewell: string | null = null
  /** It is a balancer's probe. */
  health = false
  /** Under which the client is counted and remembered; null: not known yet. */
  key: string | null = null
  /** It is counted among the open connections. */
  counted = true
  /** It has a place among those of all gates (Store.enter). */
  entered = false
  /** Done when it is known whether it has, or that takes too long; null: it is known, or nobody is to be asked. */
  entering: Promise<unknown> | null = null
  /** Octets read since our last word; -1: it has not been said. */
  lingered = -1
  /** What one input had to say, sent together at its end: a write each would cost more than all the rest. */
  private toClient = ''
  private toBackend = ''
  /** `proceed` is about to be called. */
  private proceeds = false

  constructor(gate: Gate, client: Socket, ends: Ends, mode: ListenMode, header: ProxyHeaderReader | null) {
    this.gate = gate
    this.client = client
    this.mode = mode
    this.ends = ends
    this.header = header
    this.backends = gate.backends
  }

  /** The session begins. `tls`: what there is of it already; null: none. */
  start(tls: TlsInfo | null): void {
    const now = this.gate.clock()
    const session = new Session(this.gate.house, arrivalOf(this, tls), this, now)
    this.session = session
    this.drive(() => {
      session.start(now)
      if (this.gate.emptying) session.drain(now)
    })
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
    regulate(this)
  }

  private give(input: () => void): void {
    try {
      input()
    } catch (fault) {
      this.fault(fault)
    }
    this.flush()
  }

  /** Our last word has been said. */
  get isClosing(): boolean {
    return this.lingered >= 0
  }

  /** Our own fault: the session ends with 421 and the log says so. It is no reason to end the others. */
  private fault(fault: unknown): void {
    const { session, gate } = this
    gate.fault(fault, session)
    if (session === null || session.isDone) return void this.client.destroy()
    session.fault(gate.clock())
  }

  /** The others have had their turn: goes on with the commands that wait. */
  proceed(): void {
    const { session } = this
    this.proceeds = false
    if (session !== null) this.drive(() => session.resume(this.gate.clock()))
  }

  /** Octets of the client behind its header. */
  receive(octets: Buffer): void {
    if (this.isClosing) return hearOut(this, octets)
    this.drive(() => this.session?.receive(octets, this.gate.clock()))
  }

  /** The gate stops now. */
  dismiss(): void {
    if (this.session === null) this.client.destroy()
    else this.drive(() => this.session?.dismiss(this.gate.clock()))
  }

  /** The client's side is closed for good. */
  gone(): void {
    const { gate, session } = this
    if (session !== null && !session.isDone) this.drive(() => session.broken(gate.clock()))
    this.abandon()
    uncount(this)
    gate.connections.delete(this)
    // Last: a session that is broken closes, and would wait for its client to read that.
    gate.wheel.cancel(this)
  }

  expire(now: Instant): void {
    const { session } = this
    if (this.isClosing) return void this.client.destroy()
    const isHandshake = this.securing !== null
    handshakeFailed(this, 'it took too long', 'timeout')
    if (session !== null) this.drive(() => session.timeout(now))
    else if (!isHandshake) turnAway(this, 'proxy_header')
  }

  // What the session does to the world.

  get isFull(): boolean {
    return this.toClient.length > mostAtOnce || isBehind(this.client)
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

  secureClient(): void {
    this.securing = 'client'
    this.client.pause()
    const { toClient } = this
    this.toClient = ''
    // Not before our 220 is out: until then what comes is no TLS.
    this.client.write(toClient, 'latin1', () => {
      if (!secureClient(this)) this.client.destroy()
    })
  }

  secureBackend(): void {
    this.flush()
    this.passage?.secure()
  }

  octets(octets: Uint8Array): void {
    this.flush()
    if (this.client.writable) this.client.write(octets)
  }

  private flush(): void {
    const { client, backend, toClient, toBackend } = this
    this.toClient = ''
    this.toBackend = ''
    if (toClient !== '' && client.writable) client.write(toClient, 'latin1')
    if (toBackend !== '' && backend?.writable) backend.write(toBackend, 'latin1')
    if (backend !== null && backend.writableCorked > 0) backend.uncork()
  }

  ask(question: Ask): void {
    ask(this, question)
  }

  open(group: string | null): void {
    this.passage ??= new Passage(this.backends, this)
    this.passage.open(group)
  }

  reopen(): boolean {
    return this.passage?.reopen() ?? false
  }

  /** The backend has taken the connection: it is told who the client is, before anything else. */
  opened(socket: Socket): void {
    this.passage?.opened(socket)
  }

  reached(result: Reached): void {
    if (!isLured(this.session)) this.gate.metrics.backendConnections.of(result).value++
    this.passage?.fared(result === 'ok' || result === 'declined')
  }

  replied(to: Asked, wait: number): void {
    if (!isLured(this.session)) this.gate.replied(to, wait)
  }

  trap(suspicion: number): boolean {
    return this.gate.traps.take(this, suspicion, this.gate.clock())
  }

  trapped(octets: number): void {
    this.gate.traps.spend(octets, this.gate.clock())
  }

  abandon(): void {
    this.passage?.release()
    const { backend } = this
    if (backend === null) return
    this.backend = null
    this.toBackend = ''
    if (this.securing === 'backend') this.securing = null
    untie(backend)
    backend.destroy()
  }

  close(): void {
    if (this.isClosing) return
    if (this.securing !== 'client') this.flush()
    linger(this)
  }

  concluded(session: Session): void {
    this.gate.traps.leave(this)
    this.gate.conclude(session, this.passage?.server ?? null, this.key)
  }
}

const proceed = (connection: Connection) => connection.proceed()
