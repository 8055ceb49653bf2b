import { BoundedMap } from '@sallyport/rules'
import type { Caps, Excess, Visitor } from '../../census.ts'

/** How long the answer that there are too many is used, ms. */
export const excessSpan = 250
/** Names of which there are known to be too many; at the cap the one noted first goes, and is asked for again. */
export const mostExcess = 10_000

interface Known {
  readonly cap: number
  readonly until: number
}

/**
 * Clients and networks of which there are too many over all gates: answered here for a quarter of a second, or until one of them leaves here, so
 * that whoever is turned away again and again costs the store four questions a second. That there is room is never kept. Where one
 * leaves at another gate, its place stays empty here for as long. Time is an argument, in ms on a clock that only goes forward.
 */
export class HotExcess {
  private readonly known = new BoundedMap<string, Known>(mostExcess)

  /** Of what there are known to be too many; null: of nothing. */
  of({ client, network }: Visitor, { perClient, perNetwork }: Caps, now: number): Excess | null {
    if (this.known.size === 0) return null
    if (this.isKnown(`${network} ${client}`, perClient, now)) return 'per_client'
    return this.isKnown(network, perNetwork, now) ? 'per_network' : null
  }

  /** The store has said so. `asked`: when it was asked. */
  note({ client, network }: Visitor, { perClient, perNetwork }: Caps, excess: Excess, asked: number): void {
    const isClient = excess === 'per_client'
    const name = isClient ? `${network} ${client}` : network
    this.known.set(name, { cap: isClient ? perClient : perNetwork, until: asked + excessSpan })
  }

  /** One of them has left. */
  drop({ client, network }: Visitor): void {
    this.known.delete(`${network} ${client}`)
    this.known.delete(network)
  }

  /** Too many for this cap: after a reload, or when the load is over, it may be higher. */
  private isKnown(name: string, cap: number, now: number): boolean {
    const known = this.known.get(name)
    if (known === undefined) return false
    if (known.until > now) return cap <= known.cap
    this.known.delete(name)
    return false
  }
}
