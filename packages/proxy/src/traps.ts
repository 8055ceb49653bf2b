/**
 * The places for trapped clients. When all are taken the least suspicious of them is let go for a newcomer that is more so; one that
 * is not is let go itself. Clients of one suspicion are in one map, so that to find the least costs as many steps as there are kinds.
 */
export class Traps<Client> {
  /** The most clients at a time; 0: none are trapped. */
  places: number
  private readonly suspicions = new Map<Client, number>()
  /** By suspicion: who has it, and how to let it go. */
  private readonly held = new Map<number, Map<Client, () => void>>()

  constructor(places: number) {
    this.places = places
  }

  get size(): number {
    return this.suspicions.size
  }

  /** Takes a place; false: there is none for it. `letGo` is called when somebody else gets the place. */
  take(client: Client, suspicion: number, letGo: () => void): boolean {
    if (this.size >= this.places && !this.makeRoom(suspicion)) return false
    const alike = this.held.get(suspicion) ?? new Map<Client, () => void>()
    this.held.set(suspicion, alike.set(client, letGo))
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
    if (!(least < suspicion)) return false
    for (const [client, letGo] of this.held.get(least) ?? []) {
      this.leave(client)
      letGo()
      return true
    }
    return false
  }
}
