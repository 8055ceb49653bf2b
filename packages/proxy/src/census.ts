/** Who is connected: a cap in all and one for each client, counted from accept until they close or are turned away. */
export class Census {
  private readonly clients = new Map<string, number>()
  private total = 0

  get open(): number {
    return this.total
  }

  /** Connections of one client, by its key. */
  of(client: string): number {
    return this.clients.get(client) ?? 0
  }

  enter(): void {
    this.total++
  }

  leave(): void {
    this.total--
  }

  /** Counts the connection for its client, once that is known. */
  name(client: string): number {
    const count = this.of(client) + 1
    this.clients.set(client, count)
    return count
  }

  unname(client: string): void {
    const count = this.of(client) - 1
    if (count > 0) this.clients.set(client, count)
    else this.clients.delete(client)
  }
}
