import type { Resolver } from 'node:dns'
import { address6, type DnsblZone, distinctDomains, dnsQueryName } from '@sallyport/rules'
import { faultOfList, type PointAnswer, readCleanPoint, readListedPoint, testPoints } from './dnsbl-test.ts'
import { isAbsent, makeResolver } from './resolver.ts'

const hour = 3_600_000

/** The same points for lists of IPv6 addresses alone (RFC 5782 5). */
const testPoints6 = {
  listed: dnsQueryName(address6([0, 0, 0xffff, 0x7f000002])),
  clean: dnsQueryName(address6([0, 0, 0xffff, 0x7f000001])),
}

interface HealthOptions {
  readonly zones: readonly DnsblZone[]
  readonly resolvers: readonly string[]
  readonly wait: number
}

/** Told of each change: the list by its public name, and what is wrong with it; empty: nothing any more. */
export type HealthObserver = (list: string, fault: string) => void

/** Does something every so many milliseconds; what it gives ends that. */
export type Repeat = (act: () => Promise<void>, every: number) => () => void

const repeat: Repeat = (act, every) => {
  const timer = setInterval(() => void act(), every).unref()
  return () => clearInterval(timer)
}

/**
 * Whether the lists answer as lists do (RFC 5782 5), tested at the start and every hour. A list that lists everybody, or is dead,
 * is not asked until it is well again. One that gave no answer stays what it was: that is told of each look-up by itself.
 */
export class DnsblHealth {
  private readonly zones: readonly DnsblZone[]
  private readonly resolver: Resolver
  private readonly onChange: HealthObserver
  private readonly repeat: Repeat
  private end: (() => void) | null = null
  /** Domains of lists that are not well. */
  private readonly ill = new Set<string>()

  /** `repeating`: an argument, so that a test need not wait for hours. */
  constructor({ zones, resolvers, wait }: HealthOptions, onChange: HealthObserver, repeating: Repeat = repeat) {
    this.zones = zones
    this.resolver = makeResolver(resolvers, wait)
    this.onChange = onChange
    this.repeat = repeating
  }

  /** `domain`: of a list, which is well until it is found otherwise. */
  isHealthy(domain: string): boolean {
    return !this.ill.has(domain)
  }

  /**
   * Whether what the lists say together can be relied on: some list is well, and so is each that speaks for clients. Without one of
   * those the others condemn whom it would have saved.
   */
  get suffices(): boolean {
    const isWell = (zone: DnsblZone) => this.isHealthy(zone.zone)
    return (
      this.zones.length === 0 || (this.zones.some(isWell) && this.zones.every(zone => zone.weight >= 0 || isWell(zone)))
    )
  }

  /** By public name. */
  get lists(): readonly { readonly name: string; readonly healthy: boolean }[] {
    return distinctDomains(this.zones).map(domain => ({ name: this.nameOf(domain), healthy: this.isHealthy(domain) }))
  }

  start(): void {
    if (this.end !== null || this.zones.length === 0) return
    this.end = this.repeat(() => this.test(), hour)
    void this.test()
  }

  stop(): void {
    this.end?.()
    this.end = null
    this.resolver.cancel()
  }

  /** Tests every list once; never rejects. */
  async test(): Promise<void> {
    await Promise.all(distinctDomains(this.zones).map(domain => this.testList(domain)))
  }

  private async testList(domain: string): Promise<void> {
    const fault = (await this.faultOf(domain, testPoints)) ?? null
    if (fault === null || this.isHealthy(domain) === (fault === '')) return
    if (fault === '') this.ill.delete(domain)
    else this.ill.add(domain)
    this.onChange(this.nameOf(domain), fault)
  }

  private async faultOf(
    domain: string,
    points: { readonly listed: string; readonly clean: string },
  ): Promise<string | null> {
    const readers = this.zones.filter(({ zone }) => zone === domain)
    const [listed, clean] = await Promise.all([
      this.ask(`${points.listed}.${domain}`),
      this.ask(`${points.clean}.${domain}`),
    ])
    const found = readListedPoint(readers, listed)
    if (found !== 'not listed' || points === testPoints6) return faultOfList(found, readCleanPoint(clean))
    const fault6 = await this.faultOf(domain, testPoints6)
    return fault6 === '' ? '' : faultOfList(found, readCleanPoint(clean))
  }

  private ask(name: string): Promise<PointAnswer> {
    return new Promise(resolve => {
      this.resolver.resolve4(name, (error, addresses) => {
        if (error === null) resolve({ addresses })
        else resolve(isAbsent(error) ? { addresses: null } : { fault: error.code ?? 'error' })
      })
    })
  }

  /** The domain itself may hold a key. */
  private nameOf(domain: string): string {
    return this.zones.find(({ zone }) => zone === domain)?.name ?? ''
  }
}
