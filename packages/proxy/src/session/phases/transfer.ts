import { HeaderReader } from '../../smtp/header.ts'
import { MessageReader } from '../../smtp/message.ts'
import { noteHeader, noteSize, refusing } from '../content.ts'
import { replies, verdictReply } from '../replies.ts'
import { forbidding } from '../screening.ts'
import type { Session } from '../session.ts'

/** Why a message is read to its end and thrown away. */
type Discard = 'lost' | 'bare newline' | 'nul' | 'verdict'

/**
 * One message on its way through, from 354 to its end. It streams: what is not yet over the bridge is in the sockets. A
 * message that may not go on is read to its true end all the same, because only there the client listens for a reply; the
 * backend never sees an end of it.
 */
export class Transfer {
  /** The client's end of data has been read. */
  complete = false
  private readonly reader = new MessageReader()
  /** null: the header is over. */
  private header: HeaderReader | null = new HeaderReader()
  private discarded: Discard | null = null
  private readonly pieces: Uint8Array[] = []

  constructor(session: Session) {
    // The client began before it was asked (RFC 2920 3.1: DATA ends a group); noted as ahead, judged now.
    session.judge()
    if (forbidding(session) !== null) this.discard('verdict')
  }

  get lost(): boolean {
    return this.discarded === 'lost'
  }

  discard(why: Discard): void {
    this.discarded ??= why
    this.reader.discarding = true
  }

  /** Takes what waits; true: the end has come, and unless the message was thrown away the backend has it. */
  carry(session: Session): boolean {
    const { reader, pieces } = this
    for (let chunk = session.lines.takeChunk(); chunk !== null; chunk = session.lines.takeChunk()) {
      const end = reader.read(chunk, pieces)
      this.note(session)
      if (reader.discarding) pieces.length = 0
      for (const piece of pieces) session.port.message(piece)
      pieces.length = 0
      if (!reader.ended) continue
      session.lines.putBack(chunk.subarray(end))
      this.complete = true
      // What it has begun to say by now is not the reply to this message.
      if (session.backendAhead) {
        session.abandon()
        this.discard('lost')
      }
      session.journal.octetsToBackend += reader.octets
      if (this.discarded === null) session.port.message(endOfData)
      return true
    }
    return false
  }

  /** The gate's own reply to a message that it threw away; null: the backend answers. */
  ownReply(session: Session): string | null {
    const { house, arrival } = session
    switch (this.discarded) {
      case null:
        return null
      case 'lost':
        return replies.backendLost(house.hostname, arrival.id)
      case 'bare newline':
        return replies.bareNewline(arrival.id)
      case 'nul':
        return replies.nul(arrival.id)
      case 'verdict':
        return verdictReply(session.tally.verdict, arrival.id)
      default:
        this.discarded satisfies never
        return null
    }
  }

  /** Notes what is wrong with what has been read. */
  private note(session: Session): void {
    const wasMended = this.noteMended(session)
    const isOdd = this.header !== null && this.noteHeader(session, this.header)
    const { reader } = this
    const isLarge = reader.ended && this.discarded === null && noteSize(session, reader.size)
    if (!wasMended && !isOdd && !isLarge) return
    if (refusing(session) === null || this.discarded !== null) return
    this.discard('verdict')
    // It has seen no end of the message, and need not see more.
    session.abandon()
  }

  private noteMended({ facts, house }: Session): boolean {
    const { reader } = this
    if (reader.bareNewlines === 0 && reader.nuls === 0 && reader.loneDots === 0) return false
    if (reader.bareNewlines > 0) {
      facts.bareNewlineAfter ??= 'DATA'
      if (house.bareNewline === 'refuse') this.discard('bare newline')
    }
    if (reader.nuls > 0 && house.bareNewline === 'refuse') this.discard('nul')
    facts.bareNewlines += reader.bareNewlines
    facts.nuls += reader.nuls
    facts.smuggled ??= reader.firstLoneDot
    reader.bareNewlines = reader.nuls = reader.loneDots = 0
    return true
  }

  private noteHeader(session: Session, header: HeaderReader): boolean {
    if (this.discarded === null && !this.pieces.some(piece => header.read(piece)) && !this.reader.ended) return false
    this.header = null
    return this.discarded === null && noteHeader(session, header)
  }
}

const endOfData = new Uint8Array([0x2e, 0x0d, 0x0a])
