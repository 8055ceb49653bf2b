// A backend that does what the test says: records every octet, answers as a good SMTP server does, and fails where it is told to.

import { createServer, type Server } from 'node:net'
import { type Owner, undoAfter } from './owner.ts'
import { freePort } from './port.ts'
import { type Fault, Faults, type Stage } from './sink-fault.ts'
import { type Script, SinkSession } from './sink-session.ts'

export type { Fault, Stage } from './sink-fault.ts'

export interface SinkOptions {
  readonly hostname?: string
  /** EHLO keywords; Postfix's, unless given. */
  readonly keywords?: readonly string[]
  /** Whether a PROXY header, v1 or v2, is demanded before the greeting. */
  readonly proxy?: boolean
  /** Whether each octet of a reply goes out by itself. */
  readonly split?: boolean
  readonly faults?: Partial<Record<Stage, Fault>>
}

const postfixKeywords = [
  'PIPELINING',
  'SIZE 10240000',
  'VRFY',
  'ETRN',
  'ENHANCEDSTATUSCODES',
  '8BITMIME',
  'DSN',
  'SMTPUTF8',
  'CHUNKING',
]

/** Starts a scripted backend on a free port of 127.0.0.1; it ends with its owner. */
export async function startSink(owner: Owner, options: SinkOptions = {}): Promise<Sink> {
  const sink = new Sink(await freePort(), options)
  undoAfter(owner, () => sink.stop())
  await sink.start()
  return sink
}

export class Sink implements Script {
  readonly port: number
  readonly hostname: string
  /** May be changed at any time: a backend with a new configuration. */
  keywords: readonly string[]
  readonly proxy: boolean
  split: boolean
  /** `faults.set(stage, fault)` holds from now on, in open sessions too; `faults.set(stage, undefined)` makes all well again. */
  readonly faults = new Faults()
  /** Every connection so far, in the order they came. */
  readonly connections: SinkSession[] = []
  /** Every message that came whole (to CR LF . CR LF, or to BDAT … LAST), unstuffed, whether it was then accepted or not. */
  readonly messages: Buffer[] = []
  #server: Server | undefined
  readonly #waiting = new Set<() => void>()

  constructor(port: number, options: SinkOptions) {
    this.port = port
    this.hostname = options.hostname ?? 'sink.example.test'
    this.keywords = options.keywords ?? postfixKeywords
    this.proxy = options.proxy ?? false
    this.split = options.split ?? false
    for (const [stage, fault] of Object.entries(options.faults ?? {})) this.faults.set(stage as Stage, fault)
  }

  /** Listens, again after `stop()`. */
  async start(): Promise<void> {
    const server = createServer(socket => {
      this.connections.push(new SinkSession(socket, this))
      this.changed()
    })
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: this.port, host: '127.0.0.1' }, resolve)
    })
  }

  /** Refuses connections from now on. Open sessions are cut by a reset, or left alone: a backend that drains. */
  async stop(sessions: 'cut' | 'leave' = 'cut'): Promise<void> {
    const server = this.#server
    this.#server = undefined
    const closed = new Promise<void>(resolve => (server === undefined ? resolve() : server.close(() => resolve())))
    if (sessions === 'leave') return
    for (const session of this.connections) if (!session.closed) session.cut()
    await closed
  }

  /**
   * Resolves when `check` holds, which is asked after everything that happens here. Rejects after `waitMs` (20,000) with every
   * session's commands and replies.
   */
  async waitFor(check: (sink: Sink) => boolean, waitMs = 20_000): Promise<void> {
    const deadline = performance.now() + waitMs
    while (!check(this)) {
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`not so within ${waitMs} ms: ${check}\n${this.describe()}`)
      await new Promise<void>(resolve => {
        const wake = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, left)
        this.#waiting.add(wake)
      })
    }
  }

  /** What was said in every session, for the message of a failed test. */
  describe(): string {
    const sessions = this.connections.map((session, index) => {
      const state = session.ended ?? (session.closed ? 'closed' : 'open')
      return `connection ${index} (${state}): ${JSON.stringify(session.commands)} -> ${JSON.stringify(session.replies)}`
    })
    return [`${this.messages.length} messages`, ...sessions].join('\n')
  }

  receive(message: Buffer): string {
    this.messages.push(message)
    return `S${this.messages.length}`
  }

  changed(): void {
    for (const wake of this.#waiting) wake()
  }
}
