import type { Coming, Places } from '@sallyport/proxy/store/leases/lease-book.js'

interface Share {
  readonly count: number
  readonly until: number
}

/** What all gates hold open, as the scripts of store/redis/lease-script.ts keep it; time in seconds, as an argument. */
export class OpenNetworks {
  /** By network and name: which gate holds how many until when. */
  private readonly fields = new Map<string, Map<string, Share>>()

  enter(gate: string, lease: number, { network, held, comers, caps }: Coming, now: number): Places {
    const beside = (name: string) => this.count(network, name, now, gate)
    const holds = new Map<string, number>()
    let all = held
    const places = comers.map(({ client, held }) => {
      const mine = holds.get(client) ?? held
      if (beside(client) + mine + 1 > caps.perClient) return 'per_client'
      if (beside('*') + all + 1 > caps.perNetwork) return 'per_network'
      holds.set(client, mine + 1)
      all++
      return null
    })
    if (holds.size > 0) this.tell(gate, lease, network, [...holds, ['*', all]].flat() as (string | number)[], now)
    return places
  }

  tell(gate: string, lease: number, network: string, counts: readonly (string | number)[], now: number): void {
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
