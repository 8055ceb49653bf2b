import { identitiesOf, networkKey } from '@sallyport/rules'
import type { Connection } from './connection.ts'
import { askAgain } from './inquiry.ts'
import type { Session } from './session/session.ts'

/** Names are collected for so long before the open sessions are looked through for them, in ms: ten times a second at most. */
export const sweepWait = 100
/** Sessions for each of which a twentieth of a ms is waited, where that is longer: looking at one takes a µs, and all of it a fiftieth of the time. */
const sessionsInMillisecond = 20
/** Names that wait for that; what is over is not looked for. */
export const mostPending = 1_000
/** Sessions that are asked for again in that time; the others wait for the next. */
export const mostAskedAgain = 200

/**
 * Clients that were blocked while sessions of theirs are open: under the name of a session that has ended here, or at another gate. The store is asked for
 * them again, and each session judges anew (recollection.ts): no command that is under way is cut short, the next one hears of it.
 *
 * The open sessions are looked through for all names together. Not taken: an index of sessions by name, an entry or more for each
 * session that is held, for what happens to few of them.
 */
export class Blocks {
  private readonly connections: ReadonlySet<Connection>
  private readonly pending = new Set<string>()
  /** Met, and not asked for again yet. */
  private readonly met = new Set<Connection>()
  private timer: NodeJS.Timeout | null = null
  /** Sessions that were asked for again. */
  askedAgain = 0

  constructor(connections: ReadonlySet<Connection>) {
    this.connections = connections
  }

  note(names: readonly string[]): void {
    for (const name of names) if (this.pending.size < mostPending) this.pending.add(name)
    this.timer ??= this.sweepLater()
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
  }

  private sweep(): void {
    if (this.pending.size > 0) this.look()
    let left = mostAskedAgain
    for (const connection of this.met) {
      if (left-- === 0) break
      this.met.delete(connection)
      this.askedAgain++
      askAgain(connection)
    }
    this.timer = this.met.size > 0 ? this.sweepLater() : null
  }

  private sweepLater(): NodeJS.Timeout {
    const wait = Math.max(sweepWait, this.connections.size / sessionsInMillisecond)
    return setTimeout(() => this.sweep(), wait).unref()
  }

  private look(): void {
    const wanted = new Wanted(this.pending)
    for (const connection of this.connections) if (wanted.has(connection)) this.met.add(connection)
    this.pending.clear()
  }
}

/** Names of clients that are looked for. Networks and names take some work for each session: only where there is one among those looked for. */
class Wanted {
  private readonly names: ReadonlySet<string>
  private readonly hasNetwork: boolean
  private readonly hasIdentity: boolean

  constructor(names: ReadonlySet<string>) {
    this.names = names
    const all = [...names]
    this.hasNetwork = all.some(name => name.includes('/'))
    this.hasIdentity = all.some(name => /^(?:name|spf):/.test(name))
  }

  has({ key, session }: Connection): boolean {
    if (key === null || session === null || session.isDone) return false
    return this.names.has(key) || this.hasOther(session)
  }

  private hasOther({ facts, arrival: { client } }: Session): boolean {
    if (this.hasNetwork && this.names.has(networkKey(client))) return true
    return this.hasIdentity && identitiesOf(facts, client).some(name => this.names.has(name))
  }
}
