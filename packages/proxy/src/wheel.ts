import type { Instant } from '@sallyport/rules'

/**
 * What has a deadline. The object itself is the link of a list, so that a deadline costs a session four fields and no
 * timer, closure or allocation. The fields are the wheel's to write; start with `null`, `null`, `unscheduled`, `Infinity`.
 */
export interface WheelEntry {
  next: WheelEntry | null
  previous: WheelEntry | null
  slot: number
  due: Instant
  /** The deadline has passed; the entry is no longer scheduled and may schedule itself again. `now` is at or after `due`. */
  expire(now: Instant): void
}

/** The `slot` of an entry that is not in the wheel. */
export const unscheduled = -1

/** A power of two. At 50 ms a tick one revolution takes 51 s; deadlines further ahead are passed over once a revolution. */
const slots = 1024
const mask = slots - 1
/** The `slot` of an entry whose deadline has passed and which waits for its turn to be told. */
const ripeSlot = slots
/** Entries told in one go. At some 4 µs each (a write) that is 2 ms, after which sockets get their turn. */
const batch = 500

/** The fixed point of a circular list: what is between its `next` and its `previous` is in the list. */
class Ring implements WheelEntry {
  next: WheelEntry = this
  previous: WheelEntry = this
  slot = unscheduled
  due = Number.POSITIVE_INFINITY
  expire(): void {}
}

/**
 * One timer for all deadlines: a hashed timing wheel. An entry never expires early, and at most one tick late as long as
 * the event loop is not held.
 *
 * Octets that came in time win over a deadline that is noticed late. Node runs timers before it polls sockets, so after a
 * held event loop a plain timer would fire while the client's octets wait unread in the kernel. Here the tick only notes
 * which deadlines have passed; sockets are polled next, and only then, in a setImmediate, are the entries told, unless what
 * was read has scheduled them anew.
 *
 * Roads not taken: a hierarchy of wheels (a list of 50,000 far entries costs 50 steps a tick here, less than the moves
 * between levels) and setTimeout per session (157 octets each and five times the cost to fire).
 */
export class Wheel {
  private readonly tick: number
  private readonly clock: () => Instant
  private readonly rings: readonly Ring[] = Array.from({ length: slots }, () => new Ring())
  private readonly ripe = new Ring()
  /** The tick up to which all slots have been looked through; it is looked through once more, as it was not over. */
  private position = 0
  private count = 0
  private interval: NodeJS.Timeout | null = null
  private immediate: NodeJS.Immediate | null = null

  /** `tick` in milliseconds; `clock` must not go backwards. */
  constructor(tick: number, clock: () => Instant) {
    if (!(tick > 0)) throw new RangeError(`a tick of ${tick} ms`)
    this.tick = tick
    this.clock = clock
  }

  /** How many entries are scheduled. */
  get size(): number {
    return this.count
  }

  /** Sets or moves the deadline of an entry; `Infinity` takes it away. An instant that has passed expires at the next tick. */
  schedule(entry: WheelEntry, at: Instant): void {
    if (Number.isNaN(at)) throw new RangeError('a deadline that is no number')
    if (at === Number.POSITIVE_INFINITY) {
      this.cancel(entry)
      return
    }
    if (this.interval === null) this.start()
    const slot = Math.max(Math.floor(at / this.tick), this.position) & mask
    entry.due = at
    if (entry.slot === slot) return
    if (entry.slot === unscheduled) this.count++
    else unlink(entry)
    append(this.ring(slot), entry, slot)
  }

  cancel(entry: WheelEntry): void {
    if (entry.slot === unscheduled) return
    this.release(entry)
  }

  /** Forgets the timer, not the entries: nothing expires any more until the next `schedule`. */
  stop(): void {
    if (this.interval !== null) clearInterval(this.interval)
    if (this.immediate !== null) clearImmediate(this.immediate)
    this.interval = null
    this.immediate = null
  }

  /** Notes which deadlines have passed at `now`; `reap` tells the entries. For tests; otherwise the wheel's own timer calls it. */
  turn(now: Instant): void {
    const current = Math.floor(now / this.tick)
    const steps = Math.min(current - this.position, mask)
    for (let step = 0; step <= steps; step++) this.ripen(this.ring((this.position + step) & mask), now)
    this.position = Math.max(this.position, current)
  }

  /** Tells a batch of the entries whose deadline has passed; false: none are left. For tests, as `turn`. */
  reap(now: Instant): boolean {
    for (let told = 0; told < batch; told++) {
      const entry = this.ripe.next
      if (entry === this.ripe) return false
      this.release(entry)
      entry.expire(now)
    }
    return this.ripe.next !== this.ripe
  }

  private ring(slot: number): Ring {
    return this.rings[slot] ?? this.ripe
  }

  private ripen(ring: Ring, now: Instant): void {
    let entry = ring.next
    while (entry !== ring) {
      const following = entry.next ?? ring
      if (entry.due <= now) {
        unlink(entry)
        append(this.ripe, entry, ripeSlot)
      }
      entry = following
    }
  }

  private release(entry: WheelEntry): void {
    unlink(entry)
    entry.next = null
    entry.previous = null
    entry.slot = unscheduled
    entry.due = Number.POSITIVE_INFINITY
    this.count--
  }

  private start(): void {
    // What was scheduled before a stop may lie in slots that time has passed since; the position stays behind for them.
    if (this.count === 0) this.position = Math.floor(this.clock() / this.tick)
    this.interval = setInterval(() => this.onTick(), this.tick)
    this.interval.unref()
  }

  private onTick(): void {
    if (this.count === 0) this.stop()
    else this.turn(this.clock())
    if (this.ripe.next !== this.ripe) this.immediate ??= setImmediate(() => this.onImmediate())
  }

  private onImmediate(): void {
    this.immediate = null
    try {
      this.reap(this.clock())
    } finally {
      // Also after a fault of an entry: the others must not wait for ever because of it.
      if (this.ripe.next !== this.ripe) this.immediate ??= setImmediate(() => this.onImmediate())
    }
  }
}

function append(ring: Ring, entry: WheelEntry, slot: number): void {
  entry.previous = ring.previous
  entry.next = ring
  entry.slot = slot
  ring.previous.next = entry
  ring.previous = entry
}

function unlink(entry: WheelEntry): void {
  if (entry.next !== null) entry.next.previous = entry.previous
  if (entry.previous !== null) entry.previous.next = entry.next
}
