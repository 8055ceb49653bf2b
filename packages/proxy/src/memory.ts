import { createHash } from 'node:crypto'
import {
  type Address,
  identitiesOf,
  isPrivate,
  lessonOf,
  type NetworkSet,
  networkKey,
  type Repute,
  reputeOf,
  speaksForNetwork,
} from '@sallyport/rules'
import { greyTimes } from './session/greylisting.ts'
import type { Recalled } from './session/port.ts'
import type { Session } from './session/session.ts'
import type { Store } from './store/index.ts'

/** What the memory must not do. */
export interface Discretion {
  /** Private and loopback addresses may gain a name, good or bad. */
  readonly learnPrivate: boolean
  /** Of these nothing is learnt of mail: they carry that of others. */
  readonly proxies: NetworkSet
}

/**
 * Under which keys a client is remembered, and what a session teaches under each. One answer may take several questions to the store;
 * they go out together, so it takes one round trip.
 */
export class Memory {
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  /** Never rejects. */
  async recall(key: string, client: Address): Promise<Recalled> {
    const [asked, alsoAsked] = [this.store.recall(key), this.store.recall(networkKey(client))]
    const [own, network] = [await asked, await alsoAsked]
    return { ask: 'recall', passed: own.passed, failed: own.failed, client: own.repute, network: network.repute }
  }

  /** What is known of the names of the client that were verified: of several, of the one that speaks most for it. Never rejects. */
  async recallIdentity({ facts, arrival }: Session): Promise<Repute | null> {
    const names = identitiesOf(facts, arrival.client)
    const known = await Promise.all(names.map(async name => (await this.store.recall(name)).repute))
    return known.reduce((best, one) => (best === null || (one !== null && one.score < best.score) ? one : best), null)
  }

  /** Counts a connection; gives the rate that it is beyond, in words, or null. Never rejects. */
  async rate({ plan, arrival }: Session, key: string): Promise<string | null> {
    const options = plan.checks.find(({ name }) => name === 'rate')?.options ?? {}
    const { period = 60 } = options
    // One after the other: a connection that its address is not let in for must not use up what its neighbours may.
    for (const [what, name] of [
      ['address', key],
      ['network', networkKey(arrival.client)],
      ['all', 'all'],
    ] as const) {
      const count = options[what] ?? 0
      const wait = count === 0 ? 0 : await this.store.rate(`${what} ${name}`, { count, period })
      if (wait > 0) return `${count} of ${what} in ${period} s`
    }
    return null
  }

  /** Whether the recipient that is asked for now has to wait; null: nobody asks any more. Never rejects. */
  async greylist(session: Session): Promise<{ readonly tuple: string; readonly wait: number | null } | null> {
    const { recipient } = session.facts
    const times = greyTimes(session)
    if (!recipient?.grey || times === null) return null
    const { tuple } = recipient.grey
    // What a client wrote may be long, and is nobody's business in the store.
    const name = createHash('sha256').update(tuple, 'latin1').digest('base64url').slice(0, 22)
    return { tuple, wait: await this.store.greylist(name, times) }
  }

  /** Writes what the session taught; nobody waits for it. */
  learn(session: Session, key: string, { learnPrivate, proxies }: Discretion): void {
    const { plan, tally, facts, arrival, journal } = session
    const lesson = lessonOf(plan, tally)
    const isOurs = isPrivate(arrival.client) && !learnPrivate
    // Never against ourselves.
    if (isOurs) {
      if (lesson !== null && Object.keys(lesson.passed).length > 0)
        this.store.remember(key, { passed: lesson.passed, failed: {} })
      return
    }
    const repute = proxies.has(arrival.client) ? null : reputeOf(facts, plan, tally)
    if (lesson !== null || repute !== null) {
      this.store.remember(key, { ...(lesson ?? nothing), ...(repute === null ? {} : { repute }) })
    }
    if (repute === null) return
    // A good word for a network of which nothing bad is known would be a record for nothing.
    const isNeeded = repute.score > 0 ? speaksForNetwork(facts) : (facts.reputes?.network ?? null) !== null
    if (repute.score === 0) return
    const others = identitiesOf(facts, arrival.client)
    // Nor does the name of a sender get away with it by the next one's.
    if (repute.score > 0) for (const name of journal.condemned ?? []) if (!others.includes(name)) others.push(name)
    if (isNeeded) others.push(networkKey(arrival.client))
    for (const other of others) this.store.remember(other, { ...nothing, repute })
  }
}

const nothing = { passed: {}, failed: {} } as const
