import type { Caps, Excess, Visitor } from '../../census.ts'
import { LeaseBook, type OpenTable, turn } from './lease-book.ts'

/** The book of this process, in its time: what changes is told behind the present turn of the event loop, once; what stays, turn by turn. */
export class Leases {
  readonly #book: LeaseBook
  #timer: NodeJS.Timeout | null = null
  #closed = false

  /** `lease` in ms. */
  constructor(table: OpenTable, lease: number) {
    this.#book = new LeaseBook(table, lease, () => setImmediate(() => this.#book.flush(performance.now())))
  }

  enter(visitor: Visitor, caps: Caps): Promise<Excess | null> {
    if (!this.#closed) this.#timer ??= setInterval(() => this.#onTurn(), turn).unref()
    return this.#book.enter(visitor, caps, performance.now())
  }

  leave(visitor: Visitor): void {
    this.#book.leave(visitor)
  }

  /** Tells what is not told yet, and nothing any more. */
  close(): void {
    this.#closed = true
    this.#stop()
    this.#book.flush(performance.now())
  }

  #onTurn(): void {
    if (this.#book.size === 0) this.#stop()
    else this.#book.renew(performance.now())
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
