import type { Fading, GreyTimes, Lesson, Rate, Repute } from '@sallyport/rules'
import type { Caps, Excess, Visitor } from '../census.ts'

/** What is remembered of a client: names of checks, and its mail. What has expired is left out, so that wall-clock time never enters the rules. */
export interface ClientRecord {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  /** As it has faded by now; null: nothing. */
  readonly repute: Repute | null
}

/** What is counted within a scope, as an address within its network; the scope itself has the name `''`. */
export interface Counted {
  readonly name: string
  readonly rate: Rate
}

/** A name of which there are too many, and the seconds until the next will be within its rate. */
export interface Beyond {
  readonly name: string
  readonly wait: number
}

/** Told of names that are blocked from now on (isBlock in the rules), by this gate or by another. */
export type BlockListener = (names: readonly string[]) => void

/** How what is known of mail counts; a reload may change it. */
export interface Weights {
  readonly fading: Fading
  /** Points from which a client is suspect. */
  readonly suspectFrom: number
}

/** The record of a client of whom nothing is known. */
export const unknownClient: ClientRecord = { passed: [], failed: [], repute: null }

/**
 * Where the gate remembers its clients. `client` is the canonical key of an address or a network, as `192.0.2.1` or
 * `2001:db8:1:2::/64`, or a name that was verified (`name:example.net`). Who asks for several at once has their answers after one
 * round trip: the questions go out together.
 *
 * What lessons add up to, the same in every store (test/proxy/store/store.contract.ts):
 *  - a pass and a failure each hold until their own ttl is over; of two lessons on one name the one that lasts longer holds,
 *    so that neither a repeated nor a late write can shorten or prolong anything;
 *  - a failure takes back the pass of the same name; a later pass may earn it again;
 *  - a pass does not take back a failure: the first offence defers and the second refuses, and a client that behaves once
 *    in between has not undone the first. Both names may thus be in one record;
 *  - in one lesson that says both of one name, the failure holds;
 *  - what is known of mail fades, and lessons on it are added to what is left (reputation.ts in the rules). Of a lesson that
 *    was not confirmed in time only the checks are written again: the mail might count each time.
 */
export interface Store {
  /**
   * Never rejects. Answers within the store's own bound (50 ms unless configured), with an empty record where nothing can be said; for
   * the sake of a client that is known here for good (itself, unless named) within 5 ms (grace.ts), unless a block was heard of either.
   */
  recall(client: string, sake?: string): Promise<ClientRecord>
  /** Not awaited by anybody who talks to a client. Never throws. A ttl that is not a second at least is left out. */
  remember(client: string, lesson: Lesson): void
  /**
   * Notes an attempt, and gives the seconds for which those of that name (64 characters at most) are deferred yet; 0: it has come again in time, and
   * is let in from now on. null: nothing can be said, and it is let in. Never rejects. Not kept over a restart of a memory store.
   */
  greylist(name: string, times: GreyTimes): Promise<number | null>
  /**
   * Counts one more under each of the names of a scope (64 characters at most, like each name), and gives null; or the first of them of which it would be
   * one too many: then it is counted under none. Never rejects; while a shared store does not answer, this process counts alone; for the
   * sake of a client that is known here for good after 5 ms already (grace.ts).
   */
  rate(scope: string, counted: readonly Counted[], sake?: string): Promise<Beyond | null>
  /**
   * Takes a place for one more connection among those of all gates; gives of what there are too many, and then it has none. Never rejects; null where nothing
   * can be said. null at once: there is no other gate, and the census has said all.
   */
  enter(visitor: Visitor, caps: Caps): Promise<Excess | null> | null
  /** A question about a place in this network is answered; or has waited for as long as who is known for good waits (grace.ts): the greeting goes out without the answer then. Never rejects. */
  spare(network: string, question: Promise<void>): Promise<unknown>
  /** Gives a place back that `enter` gave. Not awaited by anybody, never throws. */
  leave(visitor: Visitor): void
  /** What `greylist` would give, of one that only asks: nothing is noted. null: nothing can be said. Never rejects. */
  greylistLeft(name: string, times: GreyTimes): Promise<number | null>
  /** What `rate` would give, of one that only asks: nothing is counted. Never rejects. */
  rateLeft(scope: string, counted: readonly Counted[]): Promise<Beyond | null>
  /** Forgets one client. Never rejects; false: it is forgotten in this process only, because the shared store did not answer. */
  forget(client: string): Promise<boolean>
  /** From now on mail counts so; what was written before, from the next lesson on. */
  renew(weights: Weights): void
  /** Who is told of blocks from now on: one listener. Without it nothing is asked of other gates. */
  onBlock(listener: BlockListener): void
  /** The state at this moment, and counters since the start, for the metrics. */
  readonly health: StoreHealth
  /** Writes what is not written yet, and ends. Never rejects. */
  close(): Promise<void>
}

export interface StoreHealth {
  readonly kind: 'memory' | 'redis'
  /** False while answers come from this process instead of the shared store; a memory store is always up. */
  readonly up: boolean
  /** Clients known in this process (expired ones included until they are met). */
  readonly clients: number
  /** Recalls that are answered. */
  readonly recalls: number
  /** Of these, those that waited for the shared store until it refused or failed, each that shared the question: answered from this process, too. */
  readonly recallErrors: number
  /** Lessons that are written. */
  readonly remembers: number
  /** Writes that failed, of a lesson to the shared store or of the file. */
  readonly rememberErrors: number
  /**
   * Recalls answered from this process although the store is a shared one: these errors, and those that did not wait to the end: it is
   * away, or too late for one who is known for good, or has yet to be told what was learnt here. Counted together with the errors, so that the
   * difference never falls.
   */
  readonly fallbacks: number
  /** Names that other gates were told of as blocked, and those that they told of. */
  readonly blocksTold: number
  readonly blocksHeard: number
  /** Names that were too many to be told or heard: they are met at the next connection. */
  readonly blocksDropped: number
}

/** The counters of a store's health while they are counted. */
export type Counters = { -readonly [Name in Exclude<keyof StoreHealth, 'kind' | 'up' | 'clients'>]: number }

export const zeroCounters = (): Counters => ({
  recalls: 0,
  recallErrors: 0,
  remembers: 0,
  rememberErrors: 0,
  fallbacks: 0,
  blocksTold: 0,
  blocksHeard: 0,
  blocksDropped: 0,
})

/** What a store has to say to the operator: one line for each change, never one for each session. */
export interface StoreLog {
  info(message: string): void
  warn(message: string): void
}

/** Whole wall-clock seconds; an argument, so that a test need not wait for an expiry. */
export type WallClock = () => number

/** What a store has of the world. */
export interface StoreWorld {
  readonly log: StoreLog
  readonly now: WallClock
  /** Milliseconds on a clock that only goes forward; without it that of this process. */
  readonly clock?: () => number
}
