import { type Caps, Census, capsNow, excessOf } from '@sallyport/proxy/census.js'
import { Memory } from '@sallyport/proxy/memory.js'
import { awaitsGreylist } from '@sallyport/proxy/session/greylisting.js'
import { noteHeard } from '@sallyport/proxy/session/heard.js'
import { recollect } from '@sallyport/proxy/session/recollection.js'
import { noteHelloName, noteSender } from '@sallyport/proxy/session/sender.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { isCounted, planFor, wasKnown } from '@sallyport/proxy/session/standing.js'
import {
  type Address,
  Breakers,
  type CheckName,
  Credence,
  clientKey,
  identitiesOf,
  judge,
  judgeRecipient,
  NetworkSet,
  nameIdentity,
  networkKey,
  type SpfResult,
  senderIdentity,
  type Verdict,
} from '@sallyport/rules'
import { makeHouse } from '../support/house.ts'
import { Recorder } from '../support/recorder.ts'
import type { Clock } from './clock.ts'
import type { GateStore } from './gate-store.ts'
import type { Occupancy } from './occupancy.ts'

/** The rate that one address and one network may have, as configured at every gate. */
export const rates = { address: 60, network: 300, period: 60 } as const

/** How many connections of one client, and of one network, may be open; the defaults of the configuration. */
export const caps: Caps = { perClient: 50, perNetwork: 500 }

const house = makeHouse({
  asks: ['rate', 'greylist', 'spf', 'reverse-name'],
  policy: { preset: 'gentle', checks: { rate: { action: 'defer', options: { ...rates, all: 0 } } } },
})
/** The defaults of the configuration. */
const breakerLimits = { window: 21_600_000, clients: 3, share: 10, leap: 5, sessions: 50, rest: 900_000 }
/** The pause before the greeting, ms. */
const pause = 6_000
/** Seconds that a client takes from its greeting to the end of its message. */
const dialogue = 0.5

/** One connection with one message, and what the backend thinks of it. */
export interface Visit {
  readonly client: Address
  /** Its confirmed name; null: it has none. */
  readonly name: string | null
  readonly hello: string
  readonly sender: string
  readonly spf: SpfResult
  readonly recipient: string
  readonly isSpam: boolean
  /** Seconds that it stays connected when all has been said. */
  readonly stays: number
}

export interface Outcome {
  /** `content`: the backend refused it; `crowded`: there were too many connections. */
  readonly kind: 'taken' | 'content' | 'deferred' | 'refused' | 'crowded'
  readonly check: CheckName | null
  readonly wasSuspect: boolean
}

/** Told when a rate was asked for, and what came of it. */
export interface RateWitness {
  asks(client: string): void
  told(client: string, network: string, isIn: boolean): void
}

/**
 * One gate: its memory, breakers and credence, and sessions judged by the rules in the order of the phases. The client's octets
 * and the backend's are not played (test/transcripts does that): what they come to is said by the visit.
 */
export class Gate {
  /** Checks that were disarmed, and words of the backend that were not believed. */
  changes = 0
  readonly store: GateStore
  private readonly clock: Clock
  private readonly memory: Memory
  private readonly witness: RateWitness
  private readonly occupancy: Occupancy
  private readonly census = new Census()
  private readonly breakers = new Breakers(breakerLimits, () => void this.changes++)
  private readonly credence = new Credence(() => void this.changes++)

  constructor(clock: Clock, store: GateStore, witness: RateWitness, occupancy: Occupancy) {
    this.occupancy = occupancy
    this.clock = clock
    this.store = store
    this.memory = new Memory(store)
    this.witness = witness
  }

  /** Of who comes, whether there is room, as reception.ts has it; of who has come, what became of its message. */
  async receive(visit: Visit): Promise<Outcome> {
    const { client } = visit
    const visitor = { client: clientKey(client), network: networkKey(client) }
    const isTooMany = excessOf(this.census.name(visitor.client, client), capsNow(caps, null)) !== null
    const entering = isTooMany ? null : this.store.enter(visitor, caps)
    const leave = (wasIn: boolean) => {
      this.census.unname(visitor.client, client)
      if (wasIn) this.store.leave(visitor)
    }
    const session = this.begin(visit)
    // They go out together.
    const [excess, recalled] = await Promise.all([
      entering,
      isTooMany ? null : this.memory.recall(visitor.client, client),
    ])
    if (excess !== null || recalled === null) {
      leave(false)
      return { kind: 'crowded', check: null, wasSuspect: false }
    }
    const left = this.occupancy.enter(visitor.client, visitor.network)
    recollect(session, recalled)
    const outcome = await this.deal(session, visit, visitor.client)
    await this.clock.wait(visit.stays)
    left()
    leave(true)
    return outcome
  }

  private async deal(session: Session, visit: Visit, key: string): Promise<Outcome> {
    const verdict = await this.screened(session, visit, key)
    const wasSuspect = this.isSuspect(session)
    if (verdict.action === 'none') {
      await this.clock.wait(dialogue)
      this.relay(session, visit)
    }
    this.conclude(session, visit, key)
    const check = verdict.cause?.check ?? null
    const kind = verdict.action === 'none' ? (visit.isSpam ? 'content' : 'taken') : kindOf(verdict)
    return { kind, check, wasSuspect }
  }

  /** Whether the client would be suspect if it came now, by what the store says of its address and network. */
  async suspects(visit: Visit): Promise<boolean> {
    const session = this.begin(visit)
    recollect(session, await this.memory.recall(clientKey(visit.client), visit.client))
    return this.isSuspect(session)
  }

  private get now(): number {
    return this.clock.now * 1000
  }

  private begin({ client }: Visit): Session {
    const arrival = {
      id: 'REF',
      client,
      clientPort: 4567,
      proxy: null,
      server: null,
      access: 'none',
      dice: 0.5,
      greetWait: pause,
      disarmed: this.breakers.disarmedFor(null, this.now),
      health: false,
      starttls: 'off',
      tls: null,
    } as const
    return new Session(house, arrival, new Recorder(), this.now)
  }

  /** Up to the verdict on the recipient. */
  private async screened(session: Session, visit: Visit, key: string): Promise<Verdict> {
    const { facts, plan, tally, journal } = session
    if (isCounted(session)) {
      this.witness.asks(key)
      facts.rate = { over: await this.memory.rate(session, key) }
      this.witness.told(key, networkKey(visit.client), facts.rate.over === null)
    }
    if (judge(facts, plan, tally).action !== 'none') return tally.verdict
    if (wasKnown(session)) facts.greetWait = 0
    else await this.clock.wait(pause / 1000)
    facts.greeted = true
    await this.named(session, visit)
    facts.enveloped = true
    if (judge(facts, plan, tally).action !== 'none') return tally.verdict
    return this.recipient(session, `<${visit.recipient}>`, key).finally(() => {
      journal.asksOthers = true
    })
  }

  /** What the DNS says of its name and its sender, and the store of both. */
  private async named(session: Session, { name, hello, sender, spf }: Visit): Promise<void> {
    const { facts, journal, arrival } = session
    facts.reverse = name === null ? { kind: 'none' } : { kind: 'confirmed', name }
    noteHelloName(session, hello, null)
    if (name !== null) await this.identify(session, nameIdentity(facts.reverse, arrival.client))
    noteSender(session, sender)
    journal.sender(sender)
    const domain = sender.slice(sender.indexOf('@') + 1)
    facts.spf = { result: spf, domain, identity: 'mailfrom', mechanism: 'mx', problem: null, explanation: null }
    if (spf === 'pass') await this.identify(session, senderIdentity(facts.spf))
  }

  private async identify(session: Session, name: string | null): Promise<void> {
    const repute = await this.memory.recallIdentity(name === null ? [] : [name])
    if (repute !== null) recollect(session, { ask: 'identity', repute })
  }

  private async recipient(session: Session, path: string, key: string): Promise<Verdict> {
    const { facts, tally } = session
    const address = path.slice(1, -1)
    const domain = address.slice(address.indexOf('@') + 1)
    facts.recipientsAsked = 1
    facts.recipient = null
    if (awaitsGreylist(session, { verb: 'RCPT', line: `RCPT TO:${path}`, argument: `TO:${path}` })) {
      const found = await this.memory.greylist(session, key)
      const recipient = facts.recipient as Session['facts']['recipient']
      if (recipient !== null && recipient.grey !== null && found !== null) {
        facts.recipient = { ...recipient, grey: { ...recipient.grey, wait: found.wait } }
      }
    } else facts.recipient = { path: address, domain, grey: null }
    return judgeRecipient(facts, planFor(session, domain), tally)
  }

  private relay(session: Session, { isSpam }: Visit): void {
    noteHeard(session, 'rcpt', { code: 250, text: '250 2.1.5 Ok\r\n' })
    if (isSpam) return noteHeard(session, 'dot', { code: 550, text: '550 5.7.1 Spam message rejected\r\n' })
    noteHeard(session, 'dot', { code: 250, text: '250 2.0.0 Ok: queued\r\n' })
    session.journal.accepted++
  }

  private conclude(session: Session, { client }: Visit, key: string): void {
    const { facts, plan, tally } = session
    const network = networkKey(client)
    this.credence.note(facts, network, this.now)
    const [name = null] = identitiesOf(facts, client)
    this.breakers.note({ plan, tally, facts, network, name, proxy: null }, this.now)
    const disbelieved = this.credence.disbelieved(this.now)
    this.memory.learn(session, key, { learnPrivate: false, proxies: nobody, disbelieved })
  }

  /** As greylisting sees it. */
  private isSuspect({ facts, tally, plan }: Session): boolean {
    const from = plan.checks.find(({ name }) => name === 'greylist')?.options['score'] ?? 0
    return tally.vouched === null && (tally.score > 0 || (facts.standing?.score ?? 0) >= from)
  }
}

const nobody = NetworkSet.of([])

const kindOf = ({ action }: Verdict): 'deferred' | 'refused' => (action === 'defer' ? 'deferred' : 'refused')
