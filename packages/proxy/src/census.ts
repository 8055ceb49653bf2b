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

/** Who is connected: in all, of each client and of each network, counted from accept until they close or are turned away. */
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
