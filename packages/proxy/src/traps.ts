/**
 * The places for trapped clients. When all are taken the least suspicious of them is let go for a newcomer that is more so; one that
 * is not is let go itself. Clients of one suspicion are in one map, so that to find the least costs as many steps as there are kinds.
 */
export class Traps<Client> {
  /** The most clients at a time; 0: none are trapped. */
  places: number
  private readonly suspicions = new Map<Client, number>()
  /** By suspicion: who has it, in the order in which they came. */
  private readonly held = new Map<number, Set<Client>>()
  private readonly letGo: (client: Client) => void

  /** `letGo` is called with a client whose place somebody else gets. */
  constructor(places: number, letGo: (client: Client) => void) {
    this.places = places
    this.letGo = letGo
  }

  get size(): number {
    return this.suspicions.size
  }

  /** Takes a place; false: there is none for it. */
  take(client: Client, suspicion: number): boolean {
    if (this.size >= this.places && !this.makeRoom(suspicion)) return false
    const alike = this.held.get(suspicion) ?? new Set<Client>()
    this.held.set(suspicion, alike.add(client))
    this.suspicions.set(client, suspicion)
    return true
  }

  /** Gives a place back, if the client has one. */
  leave(client: Client): void {
    const suspicion = this.suspicions.get(client)
    if (suspicion === undefined) return
    this.suspicions.delete(client)
    const alike = this.held.get(suspicion)
    alike?.delete(client)
    if (alike?.size === 0) this.held.delete(suspicion)
  }

  private makeRoom(suspicion: number): boolean {
    const least = Math.min(...this.held.keys())
    // More are held than there are places where these were made fewer: then one that goes makes no room.
    if (!(least < suspicion) || this.size > this.places) return false
    for (const client of this.held.get(least) ?? []) {
      this.leave(client)
      this.letGo(client)
      return true
    }
    return false
  }
}
