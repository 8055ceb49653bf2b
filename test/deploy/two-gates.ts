// Two gates behind a balancer, as the recipes of deploy/balancers have them: with one Redis, and one server behind.

import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { sendMail } from '../e2e/client.ts'
import { adapted } from '../support/balancer.ts'
import { connect } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Sink, startSink } from '../support/sink.ts'
import { pathOf } from './files.ts'

/** Gates have loopback addresses of their own, so that both use the ports that a balancer knows. */
const hosts = ['127.0.0.11', '127.0.0.12'] as const

export interface TwoGates {
  readonly gates: readonly [RunningGate, RunningGate]
  readonly redis: RedisServer
  /** The server behind: demands a PROXY header. */
  readonly sink: Sink
  /** Of the SMTP and of the admin port, on both. */
  readonly ports: { readonly smtp: number; readonly admin: number }
  /** What the addresses of a balancer's configuration become. */
  readonly places: Readonly<Record<string, string>>
}

/** Starts them with the recipe's own sallyport.yaml, in which `changes` are made. */
export async function startTwoGates(
  owner: Owner,
  recipe: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<TwoGates> {
  const redis = await startRedis()
  undoAfter(owner, () => redis.stop())
  const sink = await startSink(owner, { proxy: true })
  const ports = { smtp: await freePort(), admin: await freePort() }
  const yaml = await readFile(pathOf(`${recipe}/sallyport.yaml`), 'utf8')
  const startAt = (host: string) => {
    const settings = adapted(yaml, {
      '192.0.2.11:25': `${host}:${ports.smtp}`,
      '192.0.2.11:9525': `${host}:${ports.admin}`,
      '192.0.2.10': '127.0.0.1',
      '192.0.2.20:10025': `127.0.0.1:${sink.port}`,
      '"redis://192.0.2.30:6379"': `"redis://127.0.0.1:${redis.port}", command_wait: 2s`,
      ...changes,
    })
    // A busy machine is no Redis that is down: a client that it knows would be a stranger.
    return startGate(owner, `${settings}\ngreet: { wait: 600ms }\ntimeouts: { recall: 2s }`)
  }
  const [first, second] = hosts
  const gates = [await startAt(first), await startAt(second)] as const
  const places = { '192.0.2.11:25': `${first}:${ports.smtp}`, '192.0.2.12:25': `${second}:${ports.smtp}` }
  return { gates, redis, sink, ports, places }
}

/** Does something in which a gate ends; where that fails the gate is started again, so that the next test finds both. */
export async function orRestored<T>(gate: RunningGate, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await gate.stop()
    await gate.start()
    throw error
  }
}

/** What came of one attempt to send a message: `sent`, or the words or the silence that ended it. */
interface Attempt {
  readonly id: string
  readonly outcome: string
  readonly ms: number
}

/**
 * Clients that send one message after another to a port until they are told to stop, each with an id of its own in its subject. One that
 * fails is tried again almost at once, as an MTA does with the next address of an MX.
 */
export class Traffic {
  readonly attempts: Attempt[] = []
  /** Ids that were answered 250. */
  readonly sent = new Set<string>()
  readonly #owner: Owner
  readonly #port: number
  readonly #clients: Promise<void>[]
  #goesOn = true
  #isOver = false

  constructor(owner: Owner, port: number, clients: number) {
    this.#owner = owner
    this.#port = port
    // A test that has failed must not go on for ever.
    undoAfter(owner, () => {
      this.#isOver = true
    })
    this.#clients = Array.from({ length: clients }, (_, client) => this.#run(client))
  }

  async stop(): Promise<void> {
    this.#goesOn = false
    await Promise.all(this.#clients)
  }

  /** The attempts that did not bring their message through. */
  get failures(): readonly Attempt[] {
    return this.attempts.filter(({ outcome }) => outcome !== 'sent')
  }

  async #run(client: number): Promise<void> {
    for (let message = 0; this.#goesOn && !this.#isOver; message += 1) {
      const id = `mail-${client}-${message}`
      for (;;) {
        await this.#attempt(id, `127.0.1.${client + 1}`)
        if (this.sent.has(id) || this.#isOver) break
        // The kernel closes the sockets of a killed process one after another: for a moment its port may take connections that are reset then.
        await pause(50)
      }
    }
  }

  async #attempt(id: string, localAddress: string): Promise<void> {
    const start = performance.now()
    let outcome = 'sent'
    try {
      const client = await connect(this.#owner, { port: this.#port, localAddress, waitMs: 15_000 })
      try {
        const reply = await sendMail(client, `Subject: ${id}\r\n\r\nhello\r\n`)
        if (!reply.startsWith('250 ')) throw new Error(reply)
        this.sent.add(id)
      } finally {
        client.destroy()
      }
    } catch (error) {
      outcome = String(error)
    }
    this.attempts.push({ id, outcome, ms: performance.now() - start })
  }
}

/** The ids of the messages that a server took, in their order. */
export const idsAt = (sink: Sink): string[] =>
  sink.messages.map(message => /Subject: (\S+)/.exec(message.toString('latin1'))?.[1] ?? '')
