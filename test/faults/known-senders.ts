import { setTimeout as sleep } from 'node:timers/promises'
import { converse } from '../soak/client.ts'

/** Milliseconds between two sessions of known clients, and between two strangers. */
const [apart, strangersApart] = [25, 200]
const known = 40

/** No message: by then all is decided that the store has a part in. */
const lines = ['EHLO mx.example.net', 'MAIL FROM:<sender@example.net>', 'RCPT TO:<user@example.test>', 'QUIT']
const manner = { lines, patience: 10_000 }

/** What came of the sessions of a span at one gate. */
export interface Span {
  /** Of each known client that was served, ms from its connection to the end of its session. */
  readonly took: number[]
  /** Sessions, of known clients or strangers, that heard a 4xx or 5xx, or nothing. */
  unserved: number
}

/**
 * Senders whom some gates know, and who come to all of them at the same instants, one behind the other whatever becomes of those before; with a
 * stranger now and then. What a machine has else to do, all gates have to bear.
 */
export class KnownSenders {
  private readonly ports: readonly number[]
  private strangers = 0

  constructor(...ports: readonly number[]) {
    this.ports = ports
  }

  /** Makes them known: all come at once, and wait as long as strangers do. */
  async introduce(): Promise<void> {
    const all = this.ports.flatMap(port =>
      Array.from({ length: known }, (_, i) => converse(port, addressOf(i), manner)),
    )
    const refused = (await Promise.all(all)).find(({ code }) => code !== 221)
    if (refused !== undefined) throw new Error(`a stranger was not served: ${refused.words}`)
  }

  /** Sessions for so many ms, to the end of the last one; what came of them at each gate. */
  async for(ms: number): Promise<readonly Span[]> {
    const spans = this.ports.map((): Span => ({ took: [], unserved: 0 }))
    const session = async (port: number, span: Span | undefined, address: string, isKnown: boolean) => {
      const begun = performance.now()
      const { code } = await converse(port, address, manner)
      if (span === undefined) return
      if (code !== 221) span.unserved++
      else if (isKnown) span.took.push(performance.now() - begun)
    }
    const sessions: Promise<void>[] = []
    const begun = performance.now()
    for (let i = 0; performance.now() - begun < ms; i++) {
      const isStrangersTurn = (i * apart) % strangersApart === 0
      if (isStrangersTurn) this.strangers++
      // By turns one of them is the first.
      for (let j = 0; j < this.ports.length; j++) {
        const at = (i + j) % this.ports.length
        const [port = 0, span] = [this.ports[at], spans[at]]
        sessions.push(session(port, span, addressOf(i % known), true))
        if (isStrangersTurn) sessions.push(session(port, span, `198.18.${this.strangers % 250}.7`, false))
      }
      await sleep(Math.max(0, begun + (i + 1) * apart - performance.now()))
    }
    await Promise.all(sessions)
    return spans
  }
}

/** Each of a network of its own. */
const addressOf = (i: number): string => `203.0.${i}.7`
