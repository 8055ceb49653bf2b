import { CR, LF, latin1 } from './octets.ts'

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
  /** Of the line that is being read: its beginning, its octets so far, and whether the last of them is a CR. */
  private line = ''
  private length = 0
  private afterCr = false

  /** Reads on; true: the header is over, and nothing more needs to be read. */
  read(octets: Uint8Array): boolean {
    let from = 0
    while (!this.isOver && from < octets.length) {
      const newline = octets.indexOf(LF, from)
      const to = newline < 0 ? octets.length : newline
      this.take(octets, from, to)
      if (newline >= 0) this.endLine()
      from = to + 1
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
    const end = Math.min(to, from + this.left)
    for (let i = from; i < end && !this.hasEightBit; i++) this.hasEightBit = (octets[i] as number) > 0x7f
    this.line += latin1(octets, from, Math.min(end, from + keptOfLine - this.line.length))
    this.length += end - from
    this.left -= end - from
    if (to > from) this.afterCr = octets[to - 1] === CR
    if (this.left > 0) return
    this.isCut = this.isOver = true
    this.longest = Math.max(this.longest, this.length)
  }

  private endLine(): void {
    const { line } = this
    this.left--
    const length = this.afterCr ? this.length - 1 : this.length
    this.line = ''
    this.length = 0
    this.afterCr = false
    if (this.isOver) return
    this.longest = Math.max(this.longest, length)
    const goesOn = (line.startsWith(' ') || line.startsWith('\t')) && this.fields > 0
    if (length === 0) this.isOver = true
    else if (!goesOn) this.field(line, length)
  }

  private field(line: string, length: number): void {
    const name = /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1]
    if (name === undefined) {
      this.odd = line.slice(0, length)
      this.isOver = true
      return
    }
    const bit = bitOf.get(name.toLowerCase()) ?? 0
    this.fields++
    this.repeated |= this.seen & bit
    this.seen |= bit
  }
}

const named = (among: number, bits: number, word: string): string[] =>
  single.filter((_, i) => (among & bits & (1 << i)) !== 0).map(name => `${word} ${name}`)
