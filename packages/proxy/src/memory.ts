import { createHash } from 'node:crypto'
import {
  type Address,
  type CheckName,
  greyTuple,
  HelloHistory,
  identitiesOf,
  isPrivate,
  type Lesson,
  lessonOf,
  type NetworkSet,
  networkKey,
  type Plan,
  type Repute,
  reputeOf,
  speaksForNetwork,
  standInsOf,
  type TeachingWord,
  writersOf,
} from '@sallyport/rules'
import { greyTimes } from './session/greylisting.ts'
import type { Recalled } from './session/port.ts'
import type { Session } from './session/session.ts'
import type { Store } from './store/index.ts'

/** What the memory must not do. */
interface Discretion {
  /** Private and loopback addresses may gain a name, good or bad. */
  readonly learnPrivate: boolean
  /** Of these nothing is learnt of mail: they carry that of others. */
  readonly proxies: NetworkSet
  /** Words of the backend that teach nothing now (credence.ts in the rules). */
  readonly disbelieved: ReadonlySet<TeachingWord>
}

/**
 * Under which keys a client is remembered, and what a session teaches under each. One answer may take several questions to the store;
 * they go out together, so it takes one round trip.
 */
export class Memory {
  private readonly store: Store
  private readonly hellos = new HelloHistory()

  constructor(store: Store) {
    this.store = store
  }

  /** Never rejects. */
  async recall(key: string, client: Address): Promise<Recalled> {
    const [asked, alsoAsked] = [this.store.recall(key), this.store.recall(networkKey(client), key)]
    const [own, network] = [await asked, await alsoAsked]
    const { passed, failed } = own
    return {
      ask: 'recall',
      passed,
      failed,
      client: own.repute,
      network: network.repute,
      hellos: this.hellos.namesOf(key),
    }
  }

  /** What is known of names that were verified: of several, of the one that speaks most for the client. Never rejects. */
  async recallIdentity(names: readonly string[]): Promise<Repute | null> {
    const known = await Promise.all(names.map(async name => (await this.store.recall(name)).repute))
    return known.reduce((best, one) => (best === null || (one !== null && one.score < best.score) ? one : best), null)
  }

  /** Counts a connection; gives the rate that it is beyond, in words, or null. Never rejects. */
  rate({ plan, arrival }: Session, key: string): Promise<string | null> {
    return this.beyond(plan, arrival.client, key, (scope, counted) => this.store.rate(scope, counted, key))
  }

  /** What `rate` would give, of one that only asks: nothing is counted. Never rejects. */
  rateLeft(plan: Plan, client: Address, key: string): Promise<string | null> {
    return this.beyond(plan, client, key, (scope, counted) => this.store.rateLeft(scope, counted))
  }

  /**
   * Address and network are one question, and counted both or neither: a connection that its address is not let in for must not use up what its
   * neighbours may, nor one that its network is not let in for what its address may. Only who is let in by both is counted
   * among all, with a second question: that key is everybody's, and in a cluster on another node. It is asked where it is bounded, which is not so by default.
   */
  private async beyond(plan: Plan, client: Address, key: string, ask: RateQuestion): Promise<string | null> {
    const options = plan.checks.find(({ name }) => name === 'rate')?.options ?? {}
    const { period = 60, address = 0, network = 0, all = 0 } = options
    const counted = [
      { name: key, rate: { count: address, period } },
      { name: '', rate: { count: network, period } },
    ].filter(({ rate }) => rate.count > 0)
    const beyond = counted.length === 0 ? null : await ask(networkKey(client), counted)
    if (beyond !== null)
      return beyond.name === '' ? words(network, 'network', period) : words(address, 'address', period)
    if (all === 0) return null
    return (await ask('all', [{ name: '', rate: { count: all, period } }])) === null ? null : words(all, 'all', period)
  }

  /**
   * Whether the recipient that is asked for now has to wait; null: nobody asks any more. Never rejects. Who has come again is remembered at
   * once, as other connections of its may be waiting.
   */
  async greylist(
    session: Session,
    key: string,
  ): Promise<{ readonly tuple: string; readonly wait: number | null } | null> {
    const times = greyTimes(session)
    const tuple = session.facts.recipient?.grey?.tuple
    if (tuple === undefined || times === null) return null
    const keys = keysOf(session, key)
    const [waits, proven] = await Promise.all([
      Promise.all(attemptsOf(session).map(name => this.store.greylist(name, times))),
      this.provenOf(keys),
    ])
    const wait = leastOf(waits)
    // What stands for it excuses it, and shows nothing of this address: or one name would lead to the next.
    const passed = { [cameAgain]: times.keep }
    for (const one of proven.length > 0 ? proven : wait === 0 ? keys : [])
      this.store.remember(one, { ...nothing, passed })
    return { tuple, wait: proven.length > 0 ? 0 : wait }
  }

  /** What `greylist` would give, of one that only asks: nothing is noted. Never rejects. */
  async greylistLeft(session: Session, key: string): Promise<number | null> {
    const times = greyTimes(session)
    if (times === null) return null
    const [waits, proven] = await Promise.all([
      Promise.all(attemptsOf(session).map(name => this.store.greylistLeft(name, times))),
      this.provenOf(keysOf(session, key)),
    ])
    return proven.length > 0 ? 0 : leastOf(waits)
  }

  /** Of these keys those whose client has come again before. */
  private async provenOf(keys: readonly string[]): Promise<readonly string[]> {
    const records = await Promise.all(keys.map(key => this.store.recall(key)))
    return keys.filter((_, i) => records[i]?.passed.includes(cameAgain))
  }

  /** Writes what the session taught; nobody waits for it. */
  learn(session: Session, key: string, { learnPrivate, proxies, disbelieved }: Discretion): void {
    const { plan, tally, facts, arrival, journal } = session
    const lesson = earned(session)
    const isOurs = isPrivate(arrival.client) && !learnPrivate
    // Never against ourselves.
    if (isOurs) {
      if (lesson !== null && Object.keys(lesson.passed).length > 0)
        this.store.remember(key, { passed: lesson.passed, failed: {} })
      return
    }
    const isProxy = proxies.has(arrival.client)
    if (!isProxy && facts.hello !== null && !facts.helloMalformed) this.hellos.note(key, facts.hello)
    const repute = isProxy ? null : reputeOf(facts, plan, tally, disbelieved)
    if (lesson !== null || repute !== null) {
      this.store.remember(key, { ...(lesson ?? nothing), ...(repute === null ? {} : { repute }) })
    }
    if (repute === null || repute.score === 0) return
    const network = networkKey(arrival.client)
    const others = identitiesOf(facts, arrival.client)
    if (repute.score > 0) {
      // Nor does the name of a sender get away with it by the next one's.
      const condemned = disbelieved.has('content') ? [] : (journal.condemned ?? [])
      for (const name of condemned) if (!others.includes(name)) others.push(name)
    }
    // A good word for a network of which nothing bad is known would be a record for nothing.
    const isNeeded = repute.score > 0 ? speaksForNetwork(facts) : (facts.reputes?.network ?? null) !== null
    if (isNeeded) others.push(network)
    for (const other of others) this.store.remember(other, { ...nothing, repute })
  }
}

type RateQuestion = Store['rate']

const words = (count: number, what: string, period: number): string => `${count} of ${what} in ${period} s`

/** Stands for a text that may be long, and is nobody's business in the store. */
const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('base64url').slice(0, 22)

const nothing = { passed: {}, failed: {} } as const

/** The check whose pass says that a client comes again. */
const cameAgain: CheckName = 'greylist'

const keysOf = ({ facts, arrival }: Session, key: string): readonly string[] => [
  key,
  ...standInsOf(facts, arrival.client),
]

/** Under what the present recipient's attempt is noted in the store. */
function attemptsOf({ facts, arrival, journal }: Session): readonly string[] {
  const path = facts.recipient?.path ?? ''
  return writersOf(facts, arrival.client).map(writer => digest(greyTuple(writer, journal.reversePath ?? '', path)))
}

/** The least of them; null: one is not known, and might have been less. */
function leastOf(waits: readonly (number | null)[]): number | null {
  return waits.reduce((least, wait) => (least === null || wait === null ? null : Math.min(least, wait)))
}

/** What the session has earned its client; that it comes again holds from each mail anew, as who writes so should not be late again. */
function earned(session: Session): Lesson | null {
  const { plan, tally, journal } = session
  const lesson = lessonOf(plan, tally)
  const isKnown = tally.isRemembered(plan.checks.findIndex(({ name }) => name === cameAgain))
  const keep = isKnown && journal.accepted > 0 ? greyTimes(session)?.keep : undefined
  return keep === undefined ? lesson : { ...(lesson ?? nothing), passed: { ...lesson?.passed, [cameAgain]: keep } }
}
