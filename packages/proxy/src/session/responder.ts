import type { Instant } from '@sallyport/rules'
import { type Reply, ReplyReader } from '../smtp/reply.ts'
import type { Asked } from './port.ts'

/**
 * The backend that is open, as the session hears it: its replies, what the next of them answers, and what it offers. Made when the
 * connection stands, and anew when TLS does: nothing that it said before counts.
 */
export class Responder {
  /** It has offered CHUNKING to this client: to any other the octets behind BDAT are commands. */
  takesChunks = false
  /** The largest message that it says it takes, octets; null: it names no limit. */
  sizeLimit: number | null = null
  /** Whole replies that the phase has not been given yet. */
  waiting = 0
  /** What the next reply answers; null: nothing was asked. */
  asked: Asked | null = null
  askedAt: Instant = 0
  private readonly reader = new ReplyReader()

  /** Gives the whole replies that end in these octets. */
  read(octets: Uint8Array): readonly Reply[] {
    const replies = this.reader.read(octets)
    this.waiting = replies.length
    return replies
  }

  expect(to: Asked, now: Instant): void {
    this.asked = to
    this.askedAt = now
  }

  /** What it says are no replies, for good. */
  get isMalformed(): boolean {
    return this.reader.malformed
  }

  /** It has said, or begun to say, more than has been heard. */
  get isAhead(): boolean {
    return this.waiting > 0 || this.reader.midReply || this.reader.malformed
  }
}
