import type { Fading, Lesson } from '@sallyport/rules'
import { Records } from '../memory/records.ts'
import type { WallClock } from '../store.ts'
import { Pace } from './pace.ts'
import type { Asked } from './questions.ts'

/** Clients whose lessons wait to be written, where `store.clients` is not less: 35 MB, if each has passed ten checks. */
const mostUnwritten = 100_000
/** While anything is unwritten, one is tried so often, in ms, though nothing new is learnt. */
const retryWait = 2000
/** What the end of the gate may wait, in ms, for lessons that are unwritten. */
const closeWait = 2000
/** Lessons sent at a time then. */
const lastBatch = 50
/** Clients looked at in one turn of the event loop: where each of them is takes up to 80 µs. */
const looks = 100

/** Where lessons are written; `Answer`: what is said of one that was. */
interface Desk<Answer> {
  nodeOf(client: string): string
  /** Whether this node is asked now. */
  isAsked(node: string): boolean
  /** Never rejects. */
  write(client: string, lesson: Lesson): Promise<Asked<Answer>>
  /** What came of each write. */
  told(asked: Asked<Answer>, client: string, lesson: Lesson): void
  /** A lesson that was learnt just now could not be written, or has to wait for another of its client: told once of each. */
  kept(client: string, lesson: Lesson): void
}

/** Time as it passes, in ms; an argument, so that it can be virtual. */
interface Timing {
  now(): number
  /** Keeps no process alive. */
  wait(ms: number): Promise<void>
}

const realTime: Timing = {
  now: () => performance.now(),
  wait: ms => new Promise(resolve => setTimeout(resolve, ms).unref()),
}

type Outcome = 'written' | 'on its way' | 'refused' | 'failed' | 'not asked'

/**
 * What was learnt and Redis has not confirmed. Each lesson is sent at once; what is refused, or not answered in time, waits here, of each
 * client the sum, until Redis takes it. Then all is written back, those of whom only bad is known first, and otherwise in the
 * order in which they were taught last; a batch at a time (pace.ts). A node that refuses, or is not asked, keeps its own clients
 * waiting and nobody else's.
 *
 * At the bound the client taught least recently is given up, with the shelves of a table of clients (records.ts): three quarters are
 * safe for those of whom something good is known, a quarter for the others. A flood of bots does not cost honest senders what they
 * have earned, nor the other way round.
 *
 * Not taken: keeping failures before everything else, as a flood of bots would then push out all passes, and it is the honest
 * who would notice; a file (who restarts a gate during an outage of Redis has lost less than who fills a disk in one).
 */
export class Unwritten<Answer> {
  readonly #desk: Desk<Answer>
  readonly #records: Records
  readonly #now: WallClock
  readonly #time: Timing
  /** What is on its way to Redis: one write at a time for each client, so that lessons stay in order. */
  readonly #writing = new Map<string, Lesson>()
  #writingBack = false
  /** When all were gone over last, some were of a node of a cluster that takes nothing. */
  #passedOver = false
  #retries = false
  #closed = false

  constructor(
    desk: Desk<Answer>,
    clients: number,
    fading: Fading | undefined,
    now: WallClock,
    time: Timing = realTime,
  ) {
    this.#desk = desk
    this.#records = new Records(Math.min(clients, mostUnwritten), fading)
    this.#now = now
    this.#time = time
  }

  /** Clients of whom something waits, or is on its way. */
  get open(): number {
    return this.#records.size + this.#writing.size
  }

  /** Something was learnt of the client that is not on its way. */
  waits(client: string): boolean {
    return this.#records.has(client)
  }

  /** Something was learnt of the client that Redis has not confirmed. */
  isOpen(client: string): boolean {
    return this.#records.has(client) || this.#writing.has(client)
  }

  renew(fading: Fading): void {
    this.#records.fading = fading
  }

  learn(client: string, lesson: Lesson): void {
    this.#records.remember(client, lesson, this.#now())
    void this.#writeAndGoOn(client, lesson)
  }

  forget(client: string): void {
    this.#records.forget(client)
    this.#writing.delete(client)
  }

  /** Writes what it can within `closeWait`, as fast as Redis takes it; gives how many clients are left. Never rejects. */
  async close(): Promise<number> {
    this.#closed = true
    const end = this.#time.now() + closeWait
    while (this.#writing.size > 0 && this.#time.now() < end) await this.#time.wait(1)
    const clients = this.#records.clients()
    for (let i = 0; i < clients.length && this.#time.now() < end; i += lastBatch) {
      const outcomes = await Promise.all(clients.slice(i, i + lastBatch).map(client => this.#write(client)))
      if (!outcomes.includes('written')) break
    }
    return this.#records.size
  }

  async #write(client: string): Promise<Outcome> {
    if (this.#writing.has(client)) return 'on its way'
    const lesson = this.#records.take(client, this.#now())
    if (lesson === null) return 'written'
    this.#writing.set(client, lesson)
    const asked = await this.#desk.write(client, lesson)
    const forgotten = this.#writing.get(client) !== lesson
    if (!forgotten) this.#writing.delete(client)
    this.#desk.told(asked, client, lesson)
    if (typeof asked === 'object') return 'written'
    // What was not answered in time may have been done: of the mail it would count again each time.
    const { repute: _, ...checks } = lesson
    if (!forgotten) this.#putBack(client, asked === 'failed' ? checks : lesson)
    return asked
  }

  /** Makes a lesson unwritten again, before those that were learnt since. */
  #putBack(client: string, lesson: Lesson): void {
    const since = this.#records.take(client, this.#now())
    this.#records.merge(client, lesson, this.#now())
    if (since !== null) this.#records.merge(client, since, this.#now())
  }

  /** A write that succeeds is the sign that others may; after one that did not, a single one is tried now and then. */
  async #writeAndGoOn(client: string, lesson: Lesson): Promise<void> {
    let outcome = await this.#write(client)
    if (outcome !== 'written') this.#desk.kept(client, lesson)
    while (outcome === 'written' && this.#records.has(client)) outcome = await this.#write(client)
    if (this.#records.size === 0 || outcome === 'on its way') return
    // Nor all of them anew with each lesson that another node takes.
    if (outcome === 'written' && !this.#passedOver) await this.#writeBack()
    this.#retryLater()
  }

  #retryLater(): void {
    if (this.#retries || this.#closed) return
    this.#retries = true
    void this.#time.wait(retryWait).then(async () => {
      this.#retries = false
      await this.#writeBack()
      if (this.#records.size > 0) this.#retryLater()
    })
  }

  async #writeBack(): Promise<void> {
    if (this.#writingBack) return
    this.#writingBack = true
    this.#passedOver = await this.#writeAll()
    this.#writingBack = false
  }

  /** Goes once over all that wait, first one and then more at a time, as long as any node takes lessons; gives whether it passed over those of one. */
  async #writeAll(): Promise<boolean> {
    const pace = new Pace()
    const shut = new Set<string>()
    const clients = this.#records.clients()
    for (let next = 0; next < clients.length && !this.#closed; ) {
      const batch: string[] = []
      const last = Math.min(next + looks, clients.length)
      while (next < last && batch.length < pace.size) {
        const client = clients[next++] ?? ''
        const node = this.#desk.nodeOf(client)
        if (shut.has(node) || !this.#desk.isAsked(node)) shut.add(node)
        else if (this.#records.has(client)) batch.push(client)
      }
      // A node without a name is all there is.
      if (shut.has('')) return false
      const start = this.#time.now()
      const outcomes = await Promise.all(batch.map(client => this.#write(client)))
      outcomes.forEach((outcome, i) => {
        if (outcome !== 'written' && outcome !== 'on its way') shut.add(this.#desk.nodeOf(batch[i] ?? ''))
      })
      await this.#time.wait(batch.length === 0 ? 0 : pace.after(this.#time.now() - start))
    }
    return shut.size > 0
  }
}
