import { BoundedMap } from './bounded-map.ts'

/** Clients whose names are kept; the one that came longest ago makes place. */
const mostClients = 10_000
/** Names that are kept of each, the latest. */
const mostNames = 4
/** Characters: the longest name in the DNS (RFC 1035 2.3.4). What is longer is no name, and not kept. */
const longestName = 255

/**
 * What clients called themselves in their sessions before. A mail server has one name, or a few that come again and again; a bot takes a new one each time.
 * So one of whom a name comes back after another is several machines behind one address (a pool behind a NAT), and nothing is said of its names any more.
 *
 * In the memory of each gate alone, and forgotten when it ends: the fact is worth few points.
 *
 * Not taken: the name, or a digest of it, in the client's record, which every gate reads: a digest short enough for that (two octets) cannot tell of what name it
 * was, and one name is not enough for a pool.
 */
export class HelloHistory {
  /** By client; null: several machines. */
  private readonly clients = new BoundedMap<string, readonly string[] | null>(mostClients)

  get size(): number {
    return this.clients.size
  }

  /** The names of the client, lower case, the latest last; null: none is known, or it has several machines. */
  namesOf(client: string): readonly string[] | null {
    return this.clients.get(client) ?? null
  }

  /** The client has called itself so in a session that is over. */
  note(client: string, hello: string): void {
    const name = hello.toLowerCase()
    if (name.length > longestName) return
    const names = this.clients.get(client)
    this.clients.set(client, names === null ? null : joined(names ?? [], name))
  }
}

function joined(names: readonly string[], name: string): readonly string[] | null {
  if (names.at(-1) === name) return names
  return names.includes(name) ? null : [...names, name].slice(-mostNames)
}
