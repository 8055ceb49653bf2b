// The load of a drain: senders of every kind that a stop can meet, and what became of all that they sent.

import type { Owner } from '../support/owner.ts'
import { undoAfter } from '../support/owner.ts'
import type { Sink } from '../support/sink.ts'
import { type Manner, Sender, type Trouble } from './sender.ts'

/** Steady ones; some that are within a message most of the time, or before RCPT, or idle between two; one whose connections are all a stranger's. */
const manners: readonly Manner[] = [
  ...Array.from({ length: 3 }, () => ({ messages: 5, pauses: { next: 30 } })),
  ...Array.from({ length: 4 }, () => ({ messages: 3, pauses: { body: 1_500 } })),
  ...Array.from({ length: 2 }, () => ({ messages: 3, pauses: { rcpt: 500 } })),
  ...Array.from({ length: 2 }, () => ({ messages: 10, pauses: { next: 700 } })),
  { messages: 1, pauses: { next: 100 }, strange: true },
]

/** What became of it. */
export interface Tally {
  readonly messages: number
  readonly connections: number
  /** 421 between two transactions: a mail server goes on at once with a new connection. */
  readonly between: number
  /** The same on a connection that had carried nothing yet. */
  readonly fresh: number
  /** What it would not send again at once, whatever it was. */
  readonly failed: readonly Trouble[]
  /** Answered 250, and not there. */
  readonly lost: readonly string[]
  /** There more than once. */
  readonly duplicates: readonly string[]
  /** The longest wait for a greeting, ms. */
  readonly longest: number
}

const isBetween = ({ stage, words }: Trouble): boolean =>
  /^421[ -]/.test(words) && (stage === 'greeting' || stage === 'mail')

export class Load {
  readonly senders: readonly Sender[]
  readonly #sink: Sink

  /** Begins to send to a port, before the backend `sink`. */
  constructor(owner: Owner, place: { readonly host: string; readonly port: number }, sink: Sink) {
    this.#sink = sink
    this.senders = manners.map((manner, name) => new Sender(owner, place, name, manner))
    // A test that has failed must not go on for ever.
    undoAfter(owner, () => this.senders.forEach(sender => void sender.stop()))
  }

  get taken(): number {
    return this.senders.reduce((sum, { taken }) => sum + taken.length, 0)
  }

  /** The client's ports of those that are within a message now. */
  get inMessage(): readonly number[] {
    return this.senders.filter(({ stage }) => stage === 'body').map(({ port }) => port)
  }

  /** When the first was told 421 since then; `Infinity`: nobody. */
  firstTold(since: number): number {
    const told = this.senders.flatMap(({ troubles }) => troubles.filter(isBetween).map(({ at }) => at))
    return Math.min(...told.filter(at => at >= since))
  }

  /** Stops when all that was begun is taken, and tells what came of it. */
  async stop(): Promise<Tally> {
    await Promise.all(this.senders.map(sender => sender.stop()))
    return tallyOf(this.senders, idsAt(this.#sink))
  }
}

export function tallyOf(
  senders: readonly Pick<Sender, 'taken' | 'troubles' | 'greetings'>[],
  arrived: readonly string[],
): Tally {
  const taken = senders.flatMap(sender => sender.taken)
  const troubles = senders.flatMap(sender => sender.troubles)
  const fine = troubles.filter(isBetween)
  const copies = new Map<string, number>()
  for (const id of arrived) copies.set(id, (copies.get(id) ?? 0) + 1)
  return {
    messages: taken.length,
    connections: senders.reduce((sum, { greetings }) => sum + greetings.length, 0),
    between: fine.filter(({ fresh }) => !fresh).length,
    fresh: fine.filter(({ fresh }) => fresh).length,
    failed: troubles.filter(trouble => !isBetween(trouble)),
    lost: taken.filter(id => !copies.has(id)),
    duplicates: taken.filter(id => (copies.get(id) ?? 0) > 1),
    longest: Math.max(0, ...senders.flatMap(sender => sender.greetings)),
  }
}

const idsAt = (sink: Sink): string[] =>
  sink.messages.map(message => /^Subject: (\S+)/.exec(message.toString('latin1', 0, 100))?.[1] ?? '')
