/** Watches how many connections of each client, and of each network, are open at all gates together. */
export class Occupancy {
  /** The most that any client, or network, had open that all gates let in while the store answered. */
  readonly most = { client: 0, network: 0 }
  /** The most of those of one client that were let in while it was away. */
  mostAway = 0
  private readonly open = new Map<string, number>()
  private readonly isAway: () => boolean

  constructor(isAway: () => boolean) {
    this.isAway = isAway
  }

  /** One is let in; gives what is to be called when it has gone. */
  enter(client: string, network: string): () => void {
    const away = this.isAway() ? 'away ' : ''
    const names = [away + client, away + network] as const
    const [ofClient, ofNetwork] = names.map(name => this.add(name, 1)) as [number, number]
    if (away === '') {
      this.most.client = Math.max(this.most.client, ofClient)
      this.most.network = Math.max(this.most.network, ofNetwork)
    } else this.mostAway = Math.max(this.mostAway, ofClient)
    return () => {
      for (const name of names) this.add(name, -1)
    }
  }

  private add(name: string, more: number): number {
    const count = (this.open.get(name) ?? 0) + more
    if (count > 0) this.open.set(name, count)
    else this.open.delete(name)
    return count
  }
}
