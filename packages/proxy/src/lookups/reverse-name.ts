import type { Resolver } from 'node:dns'
import { type Address, dnsQueryName, parseAddress, type ReverseName } from '@sallyport/rules'
import { isAbsent, makeResolver, mostHearers } from './resolver.ts'

/** Look-ups that may be open at one time. */
const mostFlights = 500

/** Names of one address that are confirmed; an owner of an address may claim thousands. */
const mostNames = 3

interface ReverseNameOptions {
  /** As for DNS lists; empty: the system's. */
  readonly resolvers: readonly string[]
  /** Milliseconds for all questions together. */
  readonly wait: number
}

type Answered = (name: ReverseName) => void

interface Flight {
  readonly answered: Answered[]
  readonly deadline: NodeJS.Timeout
  /** Names whose owner has not answered. */
  unconfirmed: number
  /** The first name, if there is one. */
  claimed: string | null
  /** A question was not answered, so that nothing can be said to be absent. */
  isUncertain: boolean
}

/** Asks the DNS for forward-confirmed reverse names. Sessions of one client at the same time share one look-up. */
export class ReverseNameLookup {
  private readonly resolver: Resolver
  private readonly wait: number
  private readonly flights = new Map<string, Flight>()

  constructor(options: ReverseNameOptions) {
    this.wait = options.wait
    this.resolver = makeResolver(options.resolvers, options.wait)
  }

  /** Calls `answered` once, never before it has returned and after `wait` at the latest. */
  ask(client: Address, answered: Answered): void {
    const flying = this.flights.get(client.text)
    if (flying !== undefined && flying.answered.length < mostHearers) {
      flying.answered.push(answered)
      return
    }
    if (flying !== undefined || this.flights.size >= mostFlights) {
      queueMicrotask(() => answered({ kind: 'failed' }))
      return
    }
    const deadline = setTimeout(() => this.conclude(client, flight, { kind: 'failed' }), this.wait)
    const flight: Flight = { answered: [answered], deadline, unconfirmed: 0, claimed: null, isUncertain: false }
    this.flights.set(client.text, flight)
    const zone = client.family === 4 ? 'in-addr.arpa' : 'ip6.arpa'
    // Not resolver.reverse(), which believes /etc/hosts.
    this.resolver.resolvePtr(`${dnsQueryName(client)}.${zone}`, (error, names) => {
      if (error !== null) this.conclude(client, flight, { kind: isAbsent(error) ? 'none' : 'failed' })
      else this.confirm(client, flight, names)
    })
  }

  /** Breaks off all look-ups; who waits is told that they failed. */
  stop(): void {
    this.resolver.cancel()
  }

  private confirm(client: Address, flight: Flight, names: readonly string[]): void {
    if (!this.isFlying(client, flight)) return
    const candidates = names.filter(isHostname).slice(0, mostNames)
    if (candidates.length === 0) {
      this.conclude(client, flight, { kind: 'none' })
      return
    }
    flight.unconfirmed = candidates.length
    flight.claimed = candidates[0] ?? null
    for (const name of candidates) {
      const answered = (error: NodeJS.ErrnoException | null, addresses: readonly string[] | undefined) => {
        flight.unconfirmed--
        if (error !== null && !isAbsent(error)) flight.isUncertain = true
        const isClient = (text: string) => parseAddress(text)?.text === client.text
        if (error === null && addresses?.some(isClient)) this.conclude(client, flight, { kind: 'confirmed', name })
        else if (flight.unconfirmed === 0) this.conclude(client, flight, unconfirmed(flight))
      }
      if (client.family === 4) this.resolver.resolve4(name, answered)
      else this.resolver.resolve6(name, answered)
    }
  }

  /** The first conclusion stands. */
  private conclude(client: Address, flight: Flight, name: ReverseName): void {
    if (!this.isFlying(client, flight)) return
    this.flights.delete(client.text)
    clearTimeout(flight.deadline)
    for (const answered of flight.answered) answered(name)
  }

  private isFlying(client: Address, flight: Flight): boolean {
    return this.flights.get(client.text) === flight
  }
}

function unconfirmed({ isUncertain, claimed }: Flight): ReverseName {
  if (isUncertain) return { kind: 'failed' }
  return claimed === null ? { kind: 'none' } : { kind: 'mismatch', name: claimed }
}

/** A name that may stand in commands and logs: letters, digits, hyphens and underscores in labels, and not a number. */
function isHostname(name: string): boolean {
  if (name.length > 253 || /^[0-9.]+$/.test(name)) return false
  return name.split('.').every(label => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label))
}
