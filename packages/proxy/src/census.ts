import { type Address, networkKey } from '@sallyport/rules'

type Counts = Map<string, number>

function add(counts: Counts, name: string): number {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count
}

function take(counts: Counts, name: string): void {
  const count = (counts.get(name) ?? 0) - 1
  if (count > 0) counts.set(name, count)
  else counts.delete(name)
}

/** Connections that are open under each of the names of a client. */
export interface Crowd {
  readonly client: number
  readonly network: number
}

/** Under which names a connection is counted. */
export interface Visitor {
  readonly client: string
  readonly network: string
}

/** The most connections of one client, and of one network. */
export interface Caps {
  readonly perClient: number
  readonly perNetwork: number
}

export type Excess = 'per_client' | 'per_network'

/**
 * What holds now. A network may always have what one client in it may. `load`: what holds besides while the gate is under load; null: it
 * is not.
 */
export function capsNow(limits: Caps, load: Caps | null): Caps {
  const perClient = Math.min(limits.perClient, load?.perClient ?? limits.perClient)
  const perNetwork = Math.min(limits.perNetwork, load?.perNetwork ?? limits.perNetwork)
  return { perClient, perNetwork: Math.max(perClient, perNetwork) }
}

/** Of what there are too many; null: of nothing. */
export function excessOf({ client, network }: Crowd, { perClient, perNetwork }: Caps): Excess | null {
  if (client > perClient) return 'per_client'
  return network > perNetwork ? 'per_network' : null
}

/** Who is connected here: in all, of each client and of each network, counted from accept until they close or are turned away. */
export class Census {
  private readonly clients: Counts = new Map()
  private readonly networks: Counts = new Map()
  private total = 0

  get open(): number {
    return this.total
  }

  enter(): void {
    this.total++
  }

  leave(): void {
    this.total--
  }

  /** Counts the connection for its client, once that is known, and for its network: the /24, or of IPv6 the /48. */
  name(client: string, address: Address): Crowd {
    return { client: add(this.clients, client), network: add(this.networks, networkKey(address)) }
  }

  unname(client: string, address: Address): void {
    take(this.clients, client)
    take(this.networks, networkKey(address))
  }
}
