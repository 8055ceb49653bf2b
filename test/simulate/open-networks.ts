import type { Caps, Crowd, Excess, Visitor } from '@sallyport/proxy/census.js'

interface Share {
  readonly count: number
  readonly until: number
}

/** What all gates hold open, as the scripts of store/lease-script.ts keep it; time in seconds, as an argument. */
export class OpenNetworks {
  /** By network and name: which gate holds how many until when. */
  private readonly fields = new Map<string, Map<string, Share>>()

  /** `held`: what this gate has, the one that comes among them. */
  enter(
    gate: string,
    lease: number,
    { client, network }: Visitor,
    held: Crowd,
    caps: Caps,
    now: number,
  ): Excess | null {
    const beside = (name: string) => this.count(network, name, now, gate)
    if (beside(client) + held.client > caps.perClient) return 'per_client'
    if (beside('*') + held.network > caps.perNetwork) return 'per_network'
    this.hold(gate, lease, network, [client, held.client, '*', held.network], now)
    return null
  }

  hold(gate: string, lease: number, network: string, counts: readonly (string | number)[], now: number): void {
    for (let i = 0; i < counts.length; i += 2) {
      const name = `${network} ${counts[i]}`
      const field = this.fields.get(name) ?? new Map<string, Share>()
      const count = Number(counts[i + 1])
      if (count > 0) field.set(gate, { count, until: now + lease })
      else field.delete(gate)
      if (field.size > 0) this.fields.set(name, field)
      else this.fields.delete(name)
    }
  }

  /** How many are held under a name; `but`: without what this gate holds. */
  count(network: string, name: string, now: number, but?: string): number {
    let sum = 0
    for (const [gate, { count, until }] of this.fields.get(`${network} ${name}`) ?? [])
      if (until > now && gate !== but) sum += count
    return sum
  }

  /** It has lost everything. */
  clear(): void {
    this.fields.clear()
  }
}
