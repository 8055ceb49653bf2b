import { CR, LF, latin1 } from './octets.ts'
import { Unfinished } from './unfinished.ts'

/** How much of an over-long line is thrown away before its sender is given up. */
const discardLimit = 65_536
/** Stray CRs and LFs that are looked past. */
const strays = 16

/** Pieces that wait are put together up to this size: an octet a packet would cost a hundred times its weight. */
const pieceLimit = 4096

/** A line as it came, without its ending. */
export interface Line {
  readonly text: string
  /** Ended in a LF without a CR before it. */
  readonly bare: boolean
  /** Longer than the limit; `text` holds its beginning. */
  readonly tooLong: boolean
}

/** Octets. */
const pendingLimit = 16_384

/**
 * The octets a client has sent and nobody has read yet, and the lines in them. Lines are taken one at a time, so that what
 * lies behind a command stays untouched until the command is answered: commands, a message, or talk before its turn.
 *
 * A line ends at LF; one without CR before it is marked. Treating such a line as the command it looks like is safe here,
 * because what goes on to the backend is written anew with CRLF. In a message a bare LF is never an end (message.ts).
 */
export class LineReader {
  private readonly limit: number
  private chunks: Uint8Array[] = []
  private at = 0
  private waiting = 0
  /** That many of the waiting octets, from the first, are known to be CR or LF: not looked at again and again. */
  private quiet = 0
  /** The beginning of a line whose end has not come, at most limit + 1 octets. */
  private readonly partial = new Unfinished()
  /** Octets of an over-long line thrown away so far; 0: the line is not over-long. */
  private discarded = 0

  /** `limit`: octets a line may have without its ending (RFC 5321 4.5.3.1.4 asks for 512, extensions for more). */
  constructor(limit: number) {
    this.limit = limit
  }

  push(octets: Uint8Array): void {
    if (octets.length === 0) return
    this.waiting += octets.length
    const last = this.chunks.at(-1)
    // An array that is pushed to has room for sixteen more; as a rule one chunk waits, and with many that are held for long.
    if (last === undefined) this.chunks = [octets]
    else if (last.length + octets.length > pieceLimit) this.chunks.push(octets)
    else this.chunks[this.chunks.length - 1] = joined(last, octets)
  }

  /** So much waits that nothing more is to be read until it is worked off. One read more, 64 KiB, may come with it. */
  get isFull(): boolean {
    return this.waiting >= pendingLimit
  }

  /** Octets pushed and not yet taken; a partial line counts only until its octets have been looked at. */
  get pending(): number {
    return this.waiting
  }

  /** Whether a line waits whole. */
  get hasLine(): boolean {
    return this.chunks.some((chunk, i) => chunk.indexOf(LF, i === 0 ? this.at : 0) >= 0)
  }

  /** The line in progress is so long that its sender is not worth waiting for. */
  get hopeless(): boolean {
    return this.discarded > discardLimit
  }

  /** The next whole line; null: it has not come yet. */
  takeLine(): Line | null {
    for (;;) {
      const chunk = this.chunks[0]
      if (chunk === undefined) return null
      const end = chunk.indexOf(LF, this.at)
      const stop = end < 0 ? chunk.length : end
      const isWhole = end >= 0 && this.partial.length === 0 && stop - this.at <= this.limit
      const whole = isWhole ? latin1(chunk, this.at, stop) : null
      if (whole === null) this.keep(chunk, stop)
      this.advance(chunk, end < 0 ? stop : end + 1)
      if (end >= 0) return this.finish(whole ?? this.partial.take())
    }
  }

  /** All that came of the next chunk, for a reader of messages; null: nothing waits. What it leaves is put back with `putBack`. */
  takeChunk(): Uint8Array | null {
    const chunk = this.chunks[0]
    if (chunk === undefined) return null
    const rest = this.at === 0 ? chunk : chunk.subarray(this.at)
    this.advance(chunk, chunk.length)
    return rest
  }

  /** Puts the unread rest of a taken chunk in front again. */
  putBack(rest: Uint8Array): void {
    if (rest.length === 0) return
    const first = this.chunks[0]
    if (first !== undefined && this.at > 0) this.chunks[0] = first.subarray(this.at)
    this.at = 0
    this.chunks.unshift(rest)
    this.waiting += rest.length
    this.quiet = 0
  }

  /** Whether anything but stray CR and LF waits: those are no early talk (some clients add an empty line after the dot). */
  hasTalk(): boolean {
    let begin = -this.at // where the chunk begins, counted from the first octet that waits
    for (const chunk of this.chunks) {
      for (let at = Math.max(0, this.quiet - begin); at < chunk.length; at++) {
        if (chunk[at] !== CR && chunk[at] !== LF) return true
        this.quiet++
      }
      begin += chunk.length
    }
    return false
  }

  /** The first waiting octets that are no stray CR or LF. */
  peekTalk(limit: number): string {
    return this.peek(limit + strays)
      .replace(/^[\r\n]+/, '')
      .slice(0, limit)
  }

  /** The first waiting octets, for the log. */
  peek(limit: number): string {
    const chunk = this.chunks[0]
    return chunk === undefined ? '' : latin1(chunk, this.at, Math.min(chunk.length, this.at + limit))
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.chunks = []
    this.at = 0
    this.waiting = 0
    this.quiet = 0
    this.partial.clear()
    this.discarded = 0
  }

  private keep(chunk: Uint8Array, stop: number): void {
    // One more than the limit is kept, for the CR that may turn out to belong to the ending.
    const room = this.limit + 1 - this.partial.length
    const take = Math.min(room, stop - this.at)
    if (take > 0) this.partial.append(chunk, this.at, this.at + take)
    if (take < stop - this.at) this.discarded += stop - this.at - take
  }

  private advance(chunk: Uint8Array, to: number): void {
    this.waiting -= to - this.at
    this.quiet = Math.max(0, this.quiet - (to - this.at))
    this.at = to
    if (to === chunk.length) {
      this.chunks.shift()
      this.at = 0
    }
  }

  private finish(kept: string): Line {
    const cut = this.discarded > 0
    this.discarded = 0
    const bare = cut ? false : !kept.endsWith('\r')
    const text = bare || cut ? kept : kept.slice(0, -1)
    return { text, bare, tooLong: cut || text.length > this.limit }
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
