// A mail server that sends all the time: several messages a connection, each with an id of its own, and each until it is taken. It notes
// where in the dialogue something went wrong, for that decides what a mail server does: between two transactions it opens another
// connection at once; within one, or where it cannot connect, it puts the message off for minutes.

import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Dialogue } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'

/** What was outstanding: `mail`: up to the reply to MAIL, where no transaction has begun; `dot`: the reply to the message. */
export type Stage = 'connect' | 'greeting' | 'mail' | 'rcpt' | 'data' | 'body' | 'dot'

export interface Trouble {
  readonly id: string
  readonly stage: Stage
  /** The connection had carried no message yet. */
  readonly fresh: boolean
  /** The reply, or how the connection ended. */
  readonly words: string
  /** When (`performance.now()`). */
  readonly at: number
}

/** How a sender goes about it; pauses are in ms. */
export interface Manner {
  /** Messages a connection. */
  readonly messages: number
  /** Before RCPT, in the middle of the message, and before the next. */
  readonly pauses?: { readonly rcpt?: number; readonly body?: number; readonly next?: number }
  /** Whether each connection has an address of its own, and is a stranger's. */
  readonly strange?: boolean
}

const body = 'A line of a letter of some length.\r\n'.repeat(20)

/** How long a sender waits for each reply, ms. */
const patience = 20_000

export class Sender {
  /** Ids that were answered 250, in their order. */
  readonly taken: string[] = []
  readonly troubles: Trouble[] = []
  /** How long each connection waited for its greeting, ms. */
  readonly greetings: number[] = []
  stage: Stage = 'connect'
  /** Its port, while it is connected. */
  port = 0
  readonly #owner: Owner
  readonly #place: { readonly host: string; readonly port: number }
  readonly #manner: Manner
  readonly #name: number
  #isOver = false
  readonly #done: Promise<void>

  /** `name`: from 0 to 99, for its ids and its address. */
  constructor(owner: Owner, place: { readonly host: string; readonly port: number }, name: number, manner: Manner) {
    this.#owner = owner
    this.#place = place
    this.#name = name
    this.#manner = manner
    this.#done = this.#run()
  }

  /** Resolves when the message at hand is taken. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#done
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      let carried = 0
      try {
        for (const client = await this.#connect(); carried < this.#manner.messages && !this.#isOver; carried++) {
          this.taken.push(await this.#send(client))
          await sleep(this.#manner.pauses?.next ?? 0)
          if (carried + 1 === this.#manner.messages || this.#isOver) await this.#leave(client)
        }
      } catch (error) {
        const words = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
        this.troubles.push({ id: this.#id, stage: this.stage, fresh: carried === 0, words, at: performance.now() })
      }
    }
  }

  get #id(): string {
    return `m${this.#name}-${this.taken.length}`
  }

  async #connect(): Promise<Dialogue> {
    const begun = performance.now()
    this.stage = 'connect'
    const turn = this.#manner.strange === true ? this.greetings.length : 0
    const localAddress = `127.0.${100 + this.#name}.${1 + (turn % 250)}`
    const client = await connect(this.#owner, { ...this.#place, localAddress, waitMs: patience })
    this.port = client.localPort
    this.stage = 'greeting'
    await hear(client, 220)
    this.greetings.push(performance.now() - begun)
    await say(client, 'EHLO mx.example.net', 250)
    return client
  }

  async #send(client: Dialogue): Promise<string> {
    const { rcpt = 0, body: within = 0 } = this.#manner.pauses ?? {}
    const id = this.#id
    this.stage = 'mail'
    await say(client, 'MAIL FROM:<sender@example.net>', 250)
    this.stage = 'rcpt'
    await sleep(rcpt)
    await say(client, 'RCPT TO:<user@example.test>', 250)
    this.stage = 'data'
    await say(client, 'DATA', 354)
    this.stage = 'body'
    client.sendRaw(`Subject: ${id}\r\n\r\n${body}`)
    await sleep(within)
    this.stage = 'dot'
    await say(client, `${body}.`, 250)
    this.stage = 'mail'
    return id
  }

  /** In order; nothing hangs on the answer. */
  async #leave(client: Dialogue): Promise<void> {
    client.send('QUIT')
    await client.reply().catch(() => {})
    client.destroy()
  }
}

async function say(client: Dialogue, line: string, good: number): Promise<void> {
  client.send(line)
  await hear(client, good)
}

async function hear(client: Dialogue, good: number): Promise<void> {
  const { code, lines } = await client.reply()
  const last = lines.at(-1) ?? ''
  // A greeting that has begun may yet end with 421.
  if (code === good && last.startsWith(`${good}`)) return
  client.destroy()
  throw new Error(last)
}
