import { parseBlock, parseFixedPart } from './block.ts'
import { fixedPart, longestLine, type ProxyHeader, signature } from './header.ts'
import { fitsLine, parseLine } from './line.ts'

/**
 * What a reading came to.
 *  - `more`: all octets so far fit, and the header is not over;
 *  - `header`: it is; `rest` are the octets after it, which the client sent and which came early;
 *  - `malformed`: no header can begin so; `why` holds nothing of what was sent.
 */
export type ProxyReading =
  | { readonly kind: 'more' }
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly rest: Buffer }
  | { readonly kind: 'malformed'; readonly why: string }

const more: ProxyReading = { kind: 'more' }
const malformed = (why: string): ProxyReading => ({ kind: 'malformed', why })

const letterP = 0x50
const lf = 0x0a

/**
 * Reads one PROXY header of version 1 or 2, however it is cut into fragments: real balancers and slow paths do cut it, and
 * to demand it in one segment (as others do) turns good clients away. The result does not depend on the cuts. It holds at
 * most 16 + 4096 octets, and finds a fault at the first fragment that has one, so that a client who speaks SMTP at once on a
 * port where a header must come does not wait for the deadline.
 */
export class ProxyHeaderReader {
  private held = Buffer.allocUnsafe(longestLine)
  private length = 0
  private verdict: ProxyReading = more

  /** Takes the next octets. After `malformed` it stays so; after `header` there is nothing to read, and asking is our fault. */
  read(bytes: Uint8Array): ProxyReading {
    if (this.verdict.kind === 'header') throw new Error('the PROXY header has been read')
    if (this.verdict.kind === 'more' && bytes.length > 0) this.verdict = this.judge(bytes)
    return this.verdict
  }

  private judge(bytes: Uint8Array): ProxyReading {
    const first = this.length > 0 ? this.held[0] : bytes[0]
    if (first === letterP) return this.readLine(bytes)
    if (first === signature[0]) return this.readBlock(bytes)
    return malformed('neither a version 1 nor a version 2 header')
  }

  /** Version 1: text up to a line feed. */
  private readLine(bytes: Uint8Array): ProxyReading {
    const before = this.length
    this.hold(bytes, longestLine)
    const end = this.held.subarray(0, this.length).indexOf(lf, before)
    const line = this.held.toString('latin1', 0, end < 0 ? this.length : end)
    if (!fitsLine(line)) return malformed('version 1: an octet that does not fit')
    if (end < 0) return this.length === longestLine ? malformed('version 1: too long') : more
    const header = parseLine(line)
    if (typeof header === 'string') return malformed(`version 1: ${header}`)
    return { kind: 'header', header, rest: restOf(bytes, end + 1 - before) }
  }

  /** Version 2: a fixed part that says how long the rest is. */
  private readBlock(bytes: Uint8Array): ProxyReading {
    let taken = this.hold(bytes, fixedPart)
    const known = Math.min(this.length, signature.length)
    if (signature.compare(this.held, 0, known, 0, known) !== 0) return malformed('version 2: wrong signature')
    const start = parseFixedPart(this.held.subarray(0, Math.min(this.length, fixedPart)))
    if (typeof start === 'string') return malformed(`version 2: ${start}`)
    if (start === null) return more
    const whole = fixedPart + start.length
    if (this.held.length < whole) this.held = Buffer.concat([this.held], whole)
    taken += this.hold(bytes.subarray(taken), whole)
    if (this.length < whole) return more
    const header = parseBlock(start, this.held.subarray(0, whole))
    if (typeof header === 'string') return malformed(`version 2: ${header}`)
    return { kind: 'header', header, rest: restOf(bytes, taken) }
  }

  /** Keeps octets until `limit` are held; the number of those taken now. */
  private hold(bytes: Uint8Array, limit: number): number {
    const taken = Math.max(0, Math.min(bytes.length, limit - this.length))
    this.held.set(bytes.subarray(0, taken), this.length)
    this.length += taken
    return taken
  }
}

function restOf(bytes: Uint8Array, start: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start)
}
