import type { BackendReplies, BackendWord, ReplyStage } from './backend-word.ts'
import { BoundedMap } from './bounded-map.ts'
import { day } from './duration.ts'
import type { Facts } from './facts.ts'
import { isEstablished } from './reputation.ts'
import type { Instant } from './time.ts'

/** The words of a backend that teach something against a client. */
export const teachingWords = ['content', 'policy', 'unknown user'] as const satisfies readonly BackendWord[]
export type TeachingWord = (typeof teachingWords)[number]

/** One of them is disbelieved from now on, or believed again. */
export interface CredenceChange {
  readonly word: TeachingWord
  readonly isBelieved: boolean
}

/** The latest good networks of which the backend has said something are what it is judged by. */
const mostHeard = 10
/** So many of them that were refused, if they are this part, make it unbelievable; with fewer it is believed again. */
const leastRefused = 3
const leastShare = 0.5
/** What the backend said longer ago says nothing of it, ms. */
const window = day * 1000

/** What it is to believe everything. */
export const nothingDisbelieved: ReadonlySet<TeachingWord> = new Set()

/** What the backend last said of one network, and when. */
interface Said {
  readonly at: Instant
  readonly refused: boolean
}

const stages = ['mail', 'rcpt', 'dot'] as const satisfies readonly ReplyStage[]

/** Whether a session was turned away with the word, or was not; null: neither can be told. */
function wasRefused(word: TeachingWord, backend: BackendReplies): boolean | null {
  const isTaken = (backend.dot.accepted ?? 0) > 0 || (word === 'unknown user' && (backend.rcpt.accepted ?? 0) > 0)
  if (isTaken) return false
  return stages.some(stage => (backend[stage][word] ?? 0) > 0) ? true : null
}

/** One word of the backend's, and the good networks to which it was said, or was not, the latest last. */
class Hearing {
  isBelieved = true
  private readonly said = new BoundedMap<string, Said>(mostHeard)

  note(network: string, said: Said): void {
    this.forget(said.at)
    this.said.set(network, said)
    const { refused } = this
    const isBulk = refused >= leastRefused && refused >= this.said.size * leastShare
    if (said.refused && isBulk) this.isBelieved = false
  }

  has(network: string): boolean {
    return this.said.has(network)
  }

  /** Believes it again where there is no reason any more not to. */
  wake(now: Instant): void {
    this.forget(now)
    if (this.refused < leastRefused) this.isBelieved = true
  }

  private forget(now: Instant): void {
    for (const [network, { at }] of this.said) {
      if (now - at < window) break
      this.said.delete(network)
    }
  }

  private get refused(): number {
    let count = 0
    for (const { refused } of this.said.values()) if (refused) count++
    return count
  }
}

/**
 * Whether what the backend says against clients is to be believed. A backend may refuse everything: its scanner is broken, a map is not the right one, a
 * rule refuses too much. That must not ruin the name of everybody who writes that day. What tells it from a wave of spam are clients
 * that have earned a good name over days: if many of those hear it at once, the backend is at fault, and no refusal for that reason
 * teaches anything, against anybody, until good clients are taken again.
 *
 * Each network counts once, with what was said of it last, so that neither one busy sender nor one that is tried again and again
 * decides; and each word by itself: a wrong map of users says nothing of the scanner.
 *
 * The limits of that. Where nobody has a good name nothing is found out. Whoever has one in three to five networks and lets them all be refused, again
 * and again, keeps the gate from learning from that word for as long as too few others are taken between them (docs/memory.md): his
 * refused mail stays refused, and the checks act as before.
 *
 * Not taken: a bare share of refusals, of all clients, as a wave of spam makes that high, too; to take back what was
 * learnt before it was found out: it is bounded instead (memory.ts), and whoever can trip this could wash his names with it.
 */
export class Credence {
  private readonly hearings = new Map<TeachingWord, Hearing>(teachingWords.map(word => [word, new Hearing()]))
  private readonly tell: (change: CredenceChange) => void
  private unbelieved: ReadonlySet<TeachingWord> = nothingDisbelieved

  /** `tell`: called once for each change. */
  constructor(tell: (change: CredenceChange) => void) {
    this.tell = tell
  }

  /** A session has ended. `network`: of its client (networkKey). */
  note({ backend, standing }: Facts, network: string, now: Instant): void {
    if (backend === null) return
    const isGood = standing !== null && isEstablished(standing)
    for (const [word, hearing] of this.hearings) {
      const refused = wasRefused(word, backend)
      if (refused === null) continue
      // What was refused before it was found out may have cost it its good name; that it is taken again counts.
      if (isGood || (!refused && hearing.has(network))) hearing.note(network, { at: now, refused })
    }
  }

  /** The words from which nothing is to be learnt now. */
  disbelieved(now: Instant): ReadonlySet<TeachingWord> {
    for (const [word, hearing] of this.hearings) {
      hearing.wake(now)
      if (hearing.isBelieved !== this.unbelieved.has(word)) continue
      this.unbelieved = new Set([...this.hearings].filter(([, { isBelieved }]) => !isBelieved).map(([name]) => name))
      this.tell({ word, isBelieved: hearing.isBelieved })
    }
    return this.unbelieved
  }
}
