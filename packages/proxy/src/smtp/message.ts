import { skipClean, wordsOf } from './clean-run.ts'
import { CR, DOT, LF, NUL } from './octets.ts'

/** Where the reader stands in the message. What a state has withheld is not yet passed on. */
const At = {
  /** Behind a CRLF, or at the very beginning. */
  lineStart: 0,
  /** Behind a newline that was bare and has been normalised, or a NUL at a line start: a line start for the backend only. */
  softStart: 1,
  /** In a line. */
  line: 2,
  /** In a line, a CR withheld. */
  lineCr: 3,
  /** A dot at the line start withheld. */
  dot: 4,
  /** A dot at the line start and a CR withheld. */
  dotCr: 5,
  /** Behind a dot at the line start that was stuffing, and a NUL. */
  dotNul: 6,
  /** Behind a dot with which a soft line began: alone it is what some server takes for the end. */
  loneDot: 7,
  /** The same, and a CR withheld. */
  loneDotCr: 8,
} as const
type At = (typeof At)[keyof typeof At]

const crlf = new Uint8Array([CR, LF])
const dot = new Uint8Array([DOT])
const newline = '\r\n'
/** Where pieces go between two reads; a shared empty list, so that no chunk stays alive. */
const none: Uint8Array[] = []

/** Pieces below this many octets are copied together: each that goes on by itself costs a hundred times its weight. */
const smallPiece = 256
/** Octets of a block into which they are copied. */
const blockSize = 2048

/**
 * Reads the octets of a message up to its end, CRLF . CRLF, and gives what goes on to the backend.
 *
 * The end of data is those five octets and nothing else, however they are cut into packets (RFC 5321 4.1.1.4). A LF or CR
 * alone is no line end for the client's side: so a dot behind it is content. It is rewritten to CRLF *before* dots are
 * stuffed, hence `LF . LF` reaches the backend as `CRLF .. CRLF`, and no server, however lenient, can find an end there that
 * the client did not send. NUL has no place in a message (RFC 5321 4.5.2) and is taken out *after* ends have been looked
 * for: `CRLF NUL . CRLF` is a line of the message here as it was to the client, and its dot is stuffed.
 *
 * What is mended is counted, and of it the dots that stand alone between newlines of which one is bare: no sender that stuffs its
 * dots has any, and whoever hides a second message behind one has nothing else.
 *
 * A clean message is passed on in slices of what came, untouched; nothing is held but at most two octets between chunks. Where
 * much is mended the pieces are put together, or one chunk of bare newlines would be some 65,000 writes.
 *
 * Roads not taken: reading bare LF as a line end with its own dot rules (what Postfix 3.9 "normalize" does for content): it
 * needs a guess whether the sender stuffed there; byte-wise state machine over everything: five times slower.
 */
export class MessageReader {
  /** Newlines that were bare so far. */
  bareNewlines = 0
  /** NULs taken out so far. */
  nuls = 0
  /** Lines of nothing but a dot, NULs not counted, that were no end: a newline at them was bare, or there was a NUL. */
  loneDots = 0
  /** The first of them, with its newlines, as it came: `\n.\r\n`; of several NULs one is in it. null: none. */
  firstLoneDot: string | null = null
  /** Octets given on so far. */
  octets = 0
  /** Nothing is given on any more; the rest is read to its true end and thrown away. */
  discarding = false
  private at: At = At.lineStart
  private pieces: Uint8Array[] = none
  /** What stood before the line that is being read, if it began softly, and behind its dot; of several NULs one. */
  private before = newline
  private behind = ''
  /** Octets given on that the client did not send as its message: dots that are stuffing, and the second of each mended newline. */
  private added = 0
  /** Small pieces that are not in `pieces` yet: the octets from `blockFrom` to `blockTo`. */
  private block: Uint8Array | null = null
  private blockFrom = 0
  private blockTo = 0

  /** The end has been read. */
  ended = false

  /**
   * Reads from `octets` and puts what goes on into `pieces`. Gives the place behind the end of data, or the length when it
   * has not come.
   */
  read(octets: Uint8Array, pieces: Uint8Array[]): number {
    this.pieces = pieces
    const end = this.scan(octets)
    this.giveBlock()
    this.block = null
    this.pieces = none
    return end
  }

  private scan(octets: Uint8Array): number {
    const length = octets.length
    const words = wordsOf(octets)
    let from = 0 // the first octet not yet given on
    let i = 0
    while (i < length) {
      const octet = octets[i]
      switch (this.at) {
        case At.lineStart:
          if (octet === DOT) {
            this.give(octets, from, i)
            from = ++i
            this.at = At.dot
          } else if (octet === NUL) {
            this.before = newline
            this.at = At.softStart
          } else this.at = At.line
          break
        case At.softStart:
          if (octet === NUL) {
            this.give(octets, from, i)
            from = ++i
            this.nuls++
            if (!this.before.endsWith('\0')) this.before += '\0'
          } else if (octet === DOT) {
            this.stuff()
            i++
            this.behind = ''
            this.at = At.loneDot
          } else this.at = At.line
          break
        case At.loneDot:
          if (octet === NUL) {
            this.give(octets, from, i)
            from = ++i
            this.nuls++
            this.behind = '\0'
          } else if (octet === CR) {
            this.give(octets, from, i)
            from = ++i
            this.at = At.loneDotCr
          } else {
            if (octet === LF) this.noteLoneDot('\n')
            this.at = At.line
          }
          break
        case At.loneDotCr:
          this.noteLoneDot(octet === LF ? newline : '\r')
          this.at = At.lineCr
          break
        case At.dot:
          if (octet === CR) {
            from = ++i
            this.at = At.dotCr
          } else if (octet === LF) {
            from = ++i
            this.before = newline
            this.behind = ''
            this.noteLoneDot('\n')
            this.normalise('\n')
          } else if (octet === NUL) {
            // The dot was stuffing; what stands behind the NUL begins the backend's line.
            this.before = newline
            this.behind = '\0'
            this.at = At.dotNul
          } else {
            this.stuff()
            this.at = At.line
          }
          break
        case At.dotNul:
          if (octet === NUL) {
            this.give(octets, from, i)
            from = ++i
            this.nuls++
          } else if (octet === DOT) {
            this.stuff()
            this.at = At.line
          } else this.at = At.loneDot
          break
        case At.dotCr:
          if (octet === LF) {
            this.ended = true
            return i + 1
          }
          // A line of one dot and a bare CR: the dot was stuffing, the line is empty.
          this.before = newline
          this.behind = ''
          this.noteLoneDot('\r')
          this.normalise('\r')
          break
        case At.lineCr:
          if (octet === LF) {
            this.giveWhole(crlf)
            from = ++i
            this.at = At.lineStart
          } else this.normalise('\r')
          break
        case At.line: {
          const next = skipClean(octets, words, i)
          if (next === length && octets[next - 1] !== LF) {
            i = length
          } else if (next > i && octets[next - 1] === LF) {
            i = next
            this.at = At.lineStart
          } else {
            this.give(octets, from, next)
            from = i = next + 1
            if (octets[next] === NUL) this.nuls++
            else if (octets[next] === CR && i === length) this.at = At.lineCr
            else this.normalise(octets[next] === CR ? '\r' : '\n')
          }
          break
        }
        default:
          this.at satisfies never
      }
    }
    this.give(octets, from, length)
    return length
  }

  /** Octets of the message so far as RFC 1870 5 counts them, mended newlines as one; of what is discarded none. */
  get size(): number {
    return this.octets - this.added
  }

  private stuff(): void {
    this.giveWhole(dot)
    if (!this.discarding) this.added++
  }

  private normalise(bare: '\r' | '\n'): void {
    this.bareNewlines++
    if (!this.discarding) this.added++
    this.giveWhole(crlf)
    this.before = bare
    this.at = At.softStart
  }

  private noteLoneDot(after: string): void {
    this.loneDots++
    this.firstLoneDot ??= `${this.before}.${this.behind}${after}`
  }

  private give(octets: Uint8Array, from: number, to: number): void {
    if (to <= from) return
    this.giveWhole(from === 0 && to === octets.length ? octets : octets.subarray(from, to))
  }

  private giveWhole(piece: Uint8Array): void {
    if (this.discarding) return
    this.octets += piece.length
    if (piece.length >= smallPiece) {
      this.giveBlock()
      this.pieces.push(piece)
      return
    }
    if (this.block === null || this.blockTo + piece.length > blockSize) {
      this.giveBlock()
      this.block = new Uint8Array(blockSize)
      this.blockFrom = this.blockTo = 0
    }
    this.block.set(piece, this.blockTo)
    this.blockTo += piece.length
  }

  private giveBlock(): void {
    if (this.block === null || this.blockTo === this.blockFrom) return
    this.pieces.push(this.block.subarray(this.blockFrom, this.blockTo))
    this.blockFrom = this.blockTo
  }
}
