import type { Instant } from '@sallyport/rules'

/** An hour, ms. */
const hour = 3_600_000

/** What trapped clients may cost; 0 places: none are trapped. */
export interface TrapBudget {
  /** The most clients at a time. */
  readonly sessions: number
  /** The most octets that are said to all and read of them in an hour; what is used up comes back as the hour goes by. */
  readonly octets: number
}

/**
 * The places for trapped clients, and the octets that they may cost. When all places are taken, or all octets are used up, the least
 * suspicious of them is let go for a newcomer that is more so; one that is not is let go itself. Each piece that is said or
 * read beyond the budget lets the least suspicious go, so that as many stay as the budget bears. Clients of one suspicion are in one
 * map, so that to find the least costs as many steps as there are kinds.
 *
 * Not taken: an hour by the clock, at whose end all are let go and at whose beginning as many are trapped as before.
 */
export class Traps<Client> {
  budget: TrapBudget
  private readonly suspicions = new Map<Client, number>()
  /** By suspicion: who has it, in the order in which they came. */
  private readonly bySuspicion = new Map<number, Set<Client>>()
  private readonly letGo: (client: Client) => void
  /** When all that was spent will have come back. */
  private until: Instant = 0

  /** `letGo` is called with a client whose place somebody else gets, or whose octets are too many. */
  constructor(budget: TrapBudget, letGo: (client: Client) => void) {
    this.budget = budget
    this.letGo = letGo
  }

  get size(): number {
    return this.suspicions.size
  }

  /** Takes a place; false: there is none for it. */
  take(client: Client, suspicion: number, now: Instant): boolean {
    const isFull = this.size >= this.budget.sessions || this.until - now >= hour
    if (isFull && !this.makeRoom(suspicion)) return false
    const alike = this.bySuspicion.get(suspicion) ?? new Set<Client>()
    this.bySuspicion.set(suspicion, alike.add(client))
    this.suspicions.set(client, suspicion)
    return true
  }

  /** Gives a place back, if the client has one. */
  leave(client: Client): void {
    const suspicion = this.suspicions.get(client)
    if (suspicion === undefined) return
    this.suspicions.delete(client)
    const alike = this.bySuspicion.get(suspicion)
    alike?.delete(client)
    if (alike?.size === 0) this.bySuspicion.delete(suspicion)
  }

  /** So many octets were said to one of them, or read of it. */
  spend(octets: number, now: Instant): void {
    this.until = Math.max(this.until, now) + (octets * hour) / this.budget.octets
    // What fractions lose in a thousand additions is no excess.
    if (this.until - now <= hour + 0.001) return
    // Who goes has paid for what was too much.
    this.until = now + hour
    this.dismissLeast()
  }

  private makeRoom(suspicion: number): boolean {
    // More are held than there are places where these were made fewer: then one that goes makes no room.
    if (!(this.least < suspicion) || this.size > this.budget.sessions) return false
    this.dismissLeast()
    return true
  }

  /** Infinity: none is held. */
  private get least(): number {
    return Math.min(...this.bySuspicion.keys())
  }

  private dismissLeast(): void {
    for (const client of this.bySuspicion.get(this.least) ?? []) {
      this.leave(client)
      this.letGo(client)
      return
    }
  }
}
