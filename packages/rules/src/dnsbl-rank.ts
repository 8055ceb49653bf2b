import type { DnsblFinding } from './dnsbl.ts'
import { type DnsblZone, distinctDomains, readAnswer } from './dnsbl-zone.ts'

/**
 * What the DNS said to one question.
 *  - `answers`: A records; `ttl` in seconds;
 *  - `absent`: no such name, or no A record: not listed;
 *  - `failed`: no answer in time, or an error.
 */
export type DnsblResult =
  | { readonly kind: 'answers'; readonly addresses: readonly { readonly address: string; readonly ttl: number }[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed' }

/** Bounds of the seconds for which a finding may be remembered, and what holds where no answer carried a ttl. */
export interface TtlBounds {
  readonly min: number
  readonly max: number
  readonly fallback: number
}

type ZoneState = 'outstanding' | 'listed' | 'not_listed' | 'failed'

/** Adds up what the DNS lists say of one client, answer by answer. */
export class DnsblRank {
  private readonly zones: readonly DnsblZone[]
  private readonly bounds: TtlBounds
  private readonly states: ZoneState[]
  private readonly asked: number
  /** The shortest ttl of the answers so far. */
  private shortest = Number.POSITIVE_INFINITY

  constructor(zones: readonly DnsblZone[], ttlBounds: TtlBounds) {
    this.zones = zones
    this.bounds = ttlBounds
    this.states = zones.map(() => 'outstanding')
    this.asked = distinctDomains(zones).length
  }

  /**
   * The result for the domain of one zone. Zones of the same domain are each given the same result. The first result stands;
   * a later one (an answer after its timeout) changes nothing, so that what was found once is never taken back.
   */
  answer(zoneIndex: number, result: DnsblResult): void {
    const zone = this.zones[zoneIndex]
    if (zone === undefined) throw new RangeError(`no such zone: ${zoneIndex}`)
    if (this.states[zoneIndex] !== 'outstanding') return
    this.states[zoneIndex] = this.read(zone, result)
  }

  /** Where the ranking stands now. Lists are counted by domain: one that is read by two zones is one list. */
  finding(): DnsblFinding {
    let rank = 0
    let couldRise = 0
    let couldFall = 0
    let heaviest: DnsblZone | undefined
    const failed = new Set<string>()
    for (const [i, zone] of this.zones.entries()) {
      const state = this.states[i] ?? 'outstanding'
      switch (state) {
        case 'outstanding':
          if (zone.weight > 0) couldRise += zone.weight
          else couldFall += zone.weight
          break
        case 'listed':
          rank += zone.weight
          if (zone.weight > (heaviest?.weight ?? 0)) heaviest = zone
          break
        case 'failed':
          failed.add(zone.zone)
          break
        case 'not_listed':
          break
        default:
          state satisfies never
      }
    }
    return {
      rank,
      list: heaviest?.name ?? null,
      couldRise,
      couldFall,
      failed: failed.size,
      asked: this.asked,
      ttl: this.ttl(),
    }
  }

  /** One listing is enough. Without one, an error among the answers means that the list would not tell. */
  private read(zone: DnsblZone, result: DnsblResult): ZoneState {
    if (result.kind === 'failed') return 'failed'
    if (result.kind === 'absent') return 'not_listed'
    const readings = new Set(result.addresses.map(({ address }) => readAnswer(zone, address)))
    if (!readings.has('listed') && readings.has('error')) return 'failed'
    for (const { ttl } of result.addresses) this.shortest = Math.min(this.shortest, ttl)
    return readings.has('listed') ? 'listed' : 'not_listed'
  }

  private ttl(): number {
    const { min, max, fallback } = this.bounds
    const seconds = Number.isFinite(this.shortest) ? this.shortest : fallback
    return Math.max(min, Math.min(max, seconds))
  }
}
