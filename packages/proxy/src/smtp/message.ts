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
} as const
type At = (typeof At)[keyof typeof At]

const crlf = new Uint8Array([CR, LF])
const dot = new Uint8Array([DOT])
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
  /** Octets given on so far. */
  octets = 0
  /** Nothing is given on any more; the rest is read to its true end and thrown away. */
  discarding = false
  private at: At = At.lineStart
  private pieces: Uint8Array[] = none
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
          } else this.at = octet === NUL ? At.softStart : At.line
          break
        case At.softStart:
          if (octet === NUL) {
            this.give(octets, from, i)
            from = ++i
            this.nuls++
            break
          }
          if (octet === DOT) this.giveWhole(dot)
          this.at = At.line
          break
        case At.dot:
          if (octet === CR) {
            from = ++i
            this.at = At.dotCr
          } else if (octet === LF) {
            from = ++i
            this.normalise()
          } else if (octet === NUL) {
            // The dot was stuffing; what stands behind the NUL begins the backend's line.
            this.at = At.softStart
          } else {
            this.giveWhole(dot)
            this.at = At.line
          }
          break
        case At.dotCr:
          if (octet === LF) {
            this.ended = true
            return i + 1
          }
          // A line of one dot and a bare CR: the dot was stuffing, the line is empty.
          this.normalise()
          break
        case At.lineCr:
          if (octet === LF) {
            this.giveWhole(crlf)
            from = ++i
            this.at = At.lineStart
          } else this.normalise()
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
            else this.normalise()
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

  private normalise(): void {
    this.bareNewlines++
    this.giveWhole(crlf)
    this.at = At.softStart
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

/** The octets as words of four, from the boundary of words before the first on. */
function wordsOf(octets: Uint8Array): Int32Array {
  const shift = octets.byteOffset & 3
  return new Int32Array(octets.buffer, octets.byteOffset - shift, (shift + octets.length) >> 2)
}

/**
 * From a place in a line on over everything clean: to behind the last CRLF before a dot, to the bare CR, bare LF or NUL that
 * must be looked at, or to the end. Four octets at a time are looked at for one below 14, which text between newlines has
 * none of but tabs ("Determine if a word has a byte less than n", Bit Twiddling Hacks); a search for CR, LF and NUL each
 * costs a call into the engine for every line, twice as much.
 */
function skipClean(octets: Uint8Array, words: Int32Array, from: number): number {
  const length = octets.length
  const shift = octets.byteOffset & 3
  let i = from
  for (;;) {
    i = nextControl(octets, words, shift, i)
    if (i === length) return length
    const octet = octets[i]
    if (octet === CR && i + 1 < length && octets[i + 1] === LF) {
      i += 2
      if (i === length || octets[i] === DOT || octets[i] === NUL) return i
    } else if (octet === CR || octet === LF || octet === NUL) return i
    else i++
  }
}

/** The place of the next octet below 14; the length where there is none. */
function nextControl(octets: Uint8Array, words: Int32Array, shift: number, from: number): number {
  const length = octets.length
  let i = from
  while (((i + shift) & 3) !== 0 && i < length) {
    if ((octets[i] as number) < 14) return i
    i++
  }
  let word = (i + shift) >> 2
  const end = words.length
  while (word < end) {
    const four = words[word] as number
    if ((((four - 0x0e0e0e0e) | 0) & ~four & 0x80808080) !== 0) break
    word++
  }
  i = Math.max(i, (word << 2) - shift)
  while (i < length && (octets[i] as number) >= 14) i++
  return i
}
