import { CR, LF, latin1 } from './octets.ts'

const TAB = 0x09
const SP = 0x20
const COLON = 0x3a

/** Fields of which a message has one at most (RFC 5322 3.6), the first two exactly one. */
const single = [
  'From',
  'Date',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Bcc',
  'Message-ID',
  'In-Reply-To',
  'References',
  'Subject',
] as const
const required = 2
const bitOf: ReadonlyMap<string, number> = new Map(single.map((name, i) => [name.toLowerCase(), 1 << i]))

/** Octets of a header that are looked at. */
const mostHeader = 64 * 1024
/** Octets of a line without its CRLF (RFC 5322 2.1.1). */
const longestLine = 998
/** How much is kept of a line: the name of its field, or what stands there instead of one. */
const keptOfLine = 100

/**
 * Looks at the header of a message on its way, and changes nothing: at the octets that the backend is given, up to the first empty line, or
 * to one that is no field, which servers take for the first of the text. A dot that is stuffing counts as one octet of its line.
 *
 * Road not taken: to look for long lines in the text, too. Its lines are not looked at one by one anywhere, and to do so would cost as much
 * again as all the rest of the reading.
 */
export class HeaderReader {
  private isOver = false
  /** It is longer than what is looked at. */
  private isCut = false
  private left = mostHeader
  private fields = 0
  /** Bits of `single`. */
  private seen = 0
  private repeated = 0
  private longest = 0
  private hasEightBit = false
  /** The line that is neither a field nor goes on with one, its beginning; null: there is none. */
  private odd: string | null = null
  /** Of the line that is being read: its octets so far, the last of them, and what stands before its colon, or its beginning. */
  private length = 0
  private last = 0
  private name = ''
  private hasColon = false
  private goesOn = false

  /** Reads on; true: the header is over, and nothing more needs to be read. */
  read(octets: Uint8Array): boolean {
    let i = 0
    while (!this.isOver && i < octets.length) {
      const from = i
      const end = Math.min(octets.length, from + this.left)
      let bits = 0
      while (i < end && octets[i] !== LF) bits |= octets[i++] as number
      if (bits > 0x7f) this.hasEightBit = true
      this.take(octets, from, i)
      if (this.left === 0) this.cut()
      else if (i < end) {
        i++
        this.endLine()
      }
    }
    return this.isOver
  }

  /** What is not as RFC 5322 has it, in words; none: all is. `utf8`: the transaction is one of RFC 6531. */
  faults(utf8: boolean): readonly string[] {
    const faults: string[] = []
    if (this.fields === 0) faults.push('no header')
    else if (!this.isCut) faults.push(...named((1 << required) - 1, ~this.seen, 'no'))
    faults.push(...named(this.repeated, this.repeated, 'several'))
    if (this.longest > longestLine) faults.push(`a line of ${this.longest} octets`)
    if (this.hasEightBit && !utf8) faults.push('8-bit octets')
    if (this.odd !== null && this.fields > 0) faults.push(`no field: ${this.odd}`)
    return faults
  }

  private take(octets: Uint8Array, from: number, to: number): void {
    if (to === from) return
    const first = octets[from]
    if (this.length === 0) this.goesOn = (first === SP || first === TAB) && this.fields > 0
    if (!this.goesOn && !this.hasColon) {
      const end = Math.min(to, from + keptOfLine - this.name.length)
      let i = from
      while (i < end && octets[i] !== COLON) i++
      this.name += latin1(octets, from, i)
      this.hasColon = i < end
    }
    this.length += to - from
    this.left -= to - from
    this.last = octets[to - 1] as number
  }

  private cut(): void {
    this.isCut = this.isOver = true
    this.longest = Math.max(this.longest, this.length)
  }

  private endLine(): void {
    const { goesOn } = this
    const length = this.last === CR ? this.length - 1 : this.length
    this.longest = Math.max(this.longest, length)
    if (length === 0) this.isOver = true
    else if (!goesOn) this.field(length)
    this.left--
    this.length = this.last = 0
    this.name = ''
    this.hasColon = false
  }

  private field(length: number): void {
    if (!this.hasColon || !/^[!-9;-~]+[ \t]*$/.test(this.name)) {
      this.odd = this.name.slice(0, length)
      this.isOver = true
      return
    }
    const bit = bitOf.get(this.name.trimEnd().toLowerCase()) ?? 0
    this.fields++
    this.repeated |= this.seen & bit
    this.seen |= bit
  }
}

const named = (among: number, bits: number, word: string): string[] =>
  single.filter((_, i) => (among & bits & (1 << i)) !== 0).map(name => `${word} ${name}`)
