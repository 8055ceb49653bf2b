import type { RecordWithTtl, Resolver } from 'node:dns'
import {
  type Address,
  type DnsblFinding,
  DnsblRank,
  type DnsblResult,
  type DnsblZone,
  distinctDomains,
  dnsQueryName,
  readAnswer,
  type TtlBounds,
} from '@sallyport/rules'
import type { DnsblHealth } from './dnsbl-health.ts'
import { isAbsent, makeResolver, mostHearers } from './resolver.ts'

/** Questions that may be open at one time. Each holds some 2 KiB; ten zones, 200 new clients a second and a slow DNS need less. */
const mostQueries = 2000

export interface DnsblOptions {
  readonly zones: readonly DnsblZone[]
  /** `192.0.2.53` or `192.0.2.53:5353`; empty: the system's. */
  readonly resolvers: readonly string[]
  /** Milliseconds for one look-up of a client in all zones. */
  readonly wait: number
  /** Bounds for the seconds that a finding holds. */
  readonly ttl: TtlBounds
}

/** What one domain said: `error`, an answer by which a list says that it will not tell; `failed`, no answer. */
export type DnsblAnswer = 'listed' | 'not_listed' | 'error' | 'failed'

/** Called once for every question: the list by its public name, what it said, and after how many milliseconds. */
export type DnsblObserver = (list: string, answer: DnsblAnswer, ms: number) => void

type Answered = (finding: DnsblFinding) => void

/** One client, asked about in all domains at once, and everybody who wants to know. */
interface Flight {
  readonly rank: DnsblRank
  readonly answered: Answered[]
  readonly started: number
  /** By domain: it has answered, or is no longer waited for. */
  readonly settled: boolean[]
  outstanding: number
  deadline: NodeJS.Timeout | null
}

/**
 * Asks DNS lists about clients. Sessions of one client at the same time share one look-up; what was found is not kept here
 * but with what is known of the client, for the time that the DNS allows.
 */
export class DnsblLookup {
  private readonly options: DnsblOptions
  private readonly observe: DnsblObserver
  private readonly resolver: Resolver
  private readonly health: Pick<DnsblHealth, 'isHealthy'>
  private readonly domains: readonly string[]
  private readonly flights = new Map<string, Flight>()
  /** Questions for which the resolver still holds something, the ones that nobody waits for any more included. */
  private queries = 0

  /** A list that is not well is not asked: it has failed. */
  constructor(
    options: DnsblOptions,
    observe: DnsblObserver,
    health: Pick<DnsblHealth, 'isHealthy'> = { isHealthy: () => true },
  ) {
    this.options = options
    this.health = health
    this.observe = observe
    this.resolver = makeResolver(options.resolvers, options.wait)
    this.domains = distinctDomains(options.zones)
  }

  /**
   * Asks all lists about the client. `answered` is called after every answer with all that is known then, and for the last
   * time when nothing is outstanding, which is after `wait` at the latest; never before `ask` has returned. A session that
   * has ended must ignore it.
   */
  ask(client: Address, answered: Answered): void {
    const flying = this.flights.get(client.text)
    if (flying !== undefined && flying.answered.length < mostHearers) {
      flying.answered.push(answered)
      if (flying.outstanding < this.domains.length) queueMicrotask(() => answered(flying.rank.finding()))
      return
    }
    const flight: Flight = {
      rank: new DnsblRank(this.options.zones, this.options.ttl),
      answered: [answered],
      started: performance.now(),
      settled: this.domains.map(() => false),
      outstanding: this.domains.length,
      deadline: null,
    }
    const isTooMuch = flying !== undefined || this.queries + this.domains.length > mostQueries
    if (this.domains.length === 0 || isTooMuch) {
      queueMicrotask(() => this.abandon(client, flight))
      return
    }
    this.flights.set(client.text, flight)
    flight.deadline = setTimeout(() => this.abandon(client, flight), this.options.wait)
    const name = dnsQueryName(client)
    this.domains.forEach((domain, i) => {
      if (!this.health.isHealthy(domain)) {
        queueMicrotask(() => {
          if (flight.settled[i] === true) return
          this.settle(flight, i, { kind: 'failed' })
          this.tell(client, flight)
        })
        return
      }
      this.queries++
      this.resolver.resolve4(`${name}.${domain}`, { ttl: true }, (error, records) => {
        this.queries--
        if (flight.settled[i] === true) return
        this.settle(flight, i, resultOf(error, records))
        this.tell(client, flight)
      })
    })
  }

  /** Breaks off all look-ups; who waits is told that they failed. */
  stop(): void {
    this.resolver.cancel()
  }

  /** Waits no longer for what is outstanding. */
  private abandon(client: Address, flight: Flight): void {
    flight.settled.forEach((isSettled, i) => {
      if (!isSettled) this.settle(flight, i, { kind: 'failed' })
    })
    this.tell(client, flight)
  }

  private settle(flight: Flight, i: number, result: DnsblResult): void {
    const domain = this.domains[i] ?? ''
    flight.settled[i] = true
    flight.outstanding--
    let answer: DnsblAnswer = result.kind === 'failed' ? 'failed' : 'not_listed'
    let list = ''
    this.options.zones.forEach((zone, position) => {
      if (zone.zone !== domain) return
      list ||= zone.name
      flight.rank.answer(position, result)
      if (result.kind === 'answers') answer = weigh(answer, zone, result)
    })
    // Not the domain, which may hold a key.
    this.observe(list, answer, performance.now() - flight.started)
  }

  private tell(client: Address, flight: Flight): void {
    if (flight.outstanding === 0) {
      if (flight.deadline !== null) clearTimeout(flight.deadline)
      if (this.flights.get(client.text) === flight) this.flights.delete(client.text)
    }
    const finding = flight.rank.finding()
    // Not those who begin to ask while they are told: `ask` tells them what is known.
    for (const answered of flight.answered.slice()) answered(finding)
  }
}

function resultOf(error: NodeJS.ErrnoException | null, records: RecordWithTtl[] | undefined): DnsblResult {
  if (error === null) return { kind: 'answers', addresses: records ?? [] }
  return isAbsent(error) ? { kind: 'absent' } : { kind: 'failed' }
}

/** Of the readings of one domain by several zones the strongest: listed, then error. */
function weigh(before: DnsblAnswer, zone: DnsblZone, result: DnsblResult & { kind: 'answers' }): DnsblAnswer {
  const readings = result.addresses.map(({ address }) => readAnswer(zone, address))
  if (before === 'listed' || readings.includes('listed')) return 'listed'
  return before === 'error' || readings.includes('error') ? 'error' : 'not_listed'
}
