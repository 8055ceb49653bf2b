// A mail server in a root directory of its own (server-root.ts): started and stopped, its log and what it delivered.

import { join } from 'node:path'
import { awaitedLine, awaitedMessages, logIn } from './awaited.ts'
import { messagesBelow } from './maildirs.ts'
import type { Owner } from './owner.ts'
import { type Program, startProgram } from './process.ts'

interface RootedServerOptions {
  /** Its root directory. */
  readonly root: string
  /** The program and its arguments, by the path in its root; it stays in the foreground. */
  readonly command: readonly string[]
  /** The port that answers when it runs. */
  readonly port: number
  /** Its log by the path in its root, or null: what it writes to stdout and stderr. */
  readonly logFile: string | null
  /** The directory of its Maildirs by the path in its root. */
  readonly mail: string
  /** What tells that it is ready without a connection, which would be in the log; else the port is tried. */
  readonly ready?: RegExp
}

export class RootedServer {
  readonly root: string
  /** 127.0.0.1, and everybody who connects must send a PROXY header. */
  readonly port: number
  readonly #owner: Owner
  readonly #options: RootedServerOptions
  #program: Program | undefined
  #earlier = ''

  constructor(owner: Owner, options: RootedServerOptions) {
    this.#owner = owner
    this.#options = options
    this.root = options.root
    this.port = options.port
  }

  /** Starts it, again after `stop()`, on the same port, with the same queue and log. */
  async start(): Promise<void> {
    const { root, command, ready, port } = this.#options
    this.#program = await startProgram(this.#owner, {
      command: 'chroot',
      args: [root, ...command],
      ready: ready === undefined ? { port } : { check: async () => ready.test(await this.log()) },
      log: () => this.log(),
    })
  }

  /** Every process of it is gone and the port is closed when it resolves. */
  async stop(): Promise<void> {
    await this.#program?.stop()
    this.#earlier += this.#program?.output() ?? ''
    this.#program = undefined
  }

  /** The whole log so far. */
  async log(): Promise<string> {
    const { root, logFile } = this.#options
    if (logFile === null) return this.#earlier + (this.#program?.output() ?? '')
    return logIn(join(root, logFile))
  }

  /** The first line of the log that matches; rejects with the log's end after `waitMs` (20,000). */
  waitForLog(pattern: RegExp, waitMs?: number): Promise<string> {
    return awaitedLine(this, pattern, waitMs)
  }

  /** Every message delivered so far, in the order of delivery. */
  async messages(): Promise<string[]> {
    return messagesBelow(join(this.root, this.#options.mail))
  }

  /** The same, once there are at least `count`; rejects with the log's end after `waitMs` (20,000). */
  waitForMessages(count: number, waitMs?: number): Promise<string[]> {
    return awaitedMessages(this, count, waitMs)
  }
}
