// Plays the steps of a bot on a real socket, and notes what it heard.

import { setTimeout as sleep } from 'node:timers/promises'
import { proxyLine } from '../e2e/client.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'
import type { Step, Visit } from './animal.ts'
import type { Meeting } from './meeting.ts'

/** A reply, and to what it was the answer: `the greeting`, a verb, or `the message`. */
export interface Heard {
  readonly to: string
  readonly text: string
  /** Ms since the connection. */
  readonly at: number
}

export interface Experience {
  /** Its own port, by which the log names it. */
  readonly port: number
  readonly heard: readonly Heard[]
  /** The server closed before the bot was done. */
  readonly wasClosed: boolean
  /** Ms from the connection to its end. */
  readonly lasted: number
}

/** How long a bot waits for a reply, ms: longer than any pause before a greeting; then it leaves. */
export const patience = 15_000

/** How long it stays in all, ms. */
const longestStay = 38_000

class Bot {
  readonly heard: Heard[] = []
  wasClosed = false
  readonly #dialogue: Dialogue
  readonly #meeting: Meeting
  readonly #since = performance.now()
  /** What the next replies will be the answers to. */
  readonly #asked = ['the greeting']
  #isWriting = false

  constructor(dialogue: Dialogue, meeting: Meeting) {
    this.#dialogue = dialogue
    this.#meeting = meeting
  }

  get lasted(): number {
    return performance.now() - this.#since
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (!(await this.#step(step)) || this.lasted > longestStay) break
    }
    this.#meeting.leave()
    this.#dialogue.end()
  }

  /** Whether it goes on. */
  async #step(step: Step): Promise<boolean> {
    switch (step.does) {
      case 'say':
        await this.#say(step.octets, step.every)
        return true
      case 'line':
        return this.#unlessClosed(async () => void (await this.#dialogue.line()))
      case 'hear':
        return (await this.#hear()) !== null
      case 'heed':
        return /^[23]/.test((await this.#hear()) ?? '')
      case 'wait':
        await sleep(step.ms)
        return true
      case 'listen': {
        const end = sleep(step.ms).then(() => null)
        while ((await Promise.race([this.#hear(), end])) !== null);
        return true
      }
      case 'meet':
        await this.#meeting.come()
        return true
      case 'tls':
        return this.#unlessClosed(async () => void (await this.#dialogue.secure()))
      default:
        return step satisfies never
    }
  }

  async #say(octets: string, every: number | undefined): Promise<void> {
    for (const line of octets.split(/(?<=\n)/)) this.#note(line.trimEnd())
    if (every === undefined) {
      this.#dialogue.sendRaw(octets)
      return
    }
    for (const octet of octets) {
      if (this.wasClosed) return
      this.#dialogue.sendRaw(octet)
      await sleep(every)
    }
  }

  #note(line: string): void {
    if (this.#isWriting) {
      if (line !== '.') return
      this.#isWriting = false
      this.#asked.push('the message')
      return
    }
    this.#asked.push(line.split(' ', 1)[0]?.toUpperCase() ?? '')
    this.#isWriting = line.toUpperCase() === 'DATA'
  }

  async #hear(): Promise<string | null> {
    let text: string | null = null
    await this.#unlessClosed(async () => {
      text = (await this.#dialogue.reply()).text
      this.heard.push({ to: this.#asked.shift() ?? 'nothing', text, at: this.lasted })
    })
    return text
  }

  /** A server that closes, or says nothing for too long, ends the visit and not the test. */
  async #unlessClosed(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch {
      this.wasClosed = true
      return false
    }
  }
}

/** Holds one visit, from the address given, which a balancer tells the gate. */
export async function visit(
  owner: Owner,
  port: number,
  address: string,
  { steps }: Visit,
  meeting: Meeting,
): Promise<Experience> {
  const dialogue = await connect(owner, { port, waitMs: patience })
  const { localPort } = dialogue
  dialogue.sendRaw(proxyLine(address, localPort))
  const bot = new Bot(dialogue, meeting)
  await bot.play(steps)
  // Who is held by a delay is not waited for.
  await Promise.race([dialogue.closed.catch(() => 'rst'), sleep(500)])
  dialogue.destroy()
  return { port: localPort, heard: bot.heard, wasClosed: bot.wasClosed, lasted: bot.lasted }
}
