import type { Instant } from '@sallyport/rules'
import type { Chunk } from '../../smtp/chunk.ts'
import { isNegative, isPositive, type Reply } from '../../smtp/reply.ts'
import { type ChunkedContent, noteHeader, refusing } from '../content.ts'
import { noteHeard } from '../heard.ts'
import type { Ending } from '../journal.ts'
import type { Phase } from '../phase.ts'
import { replies, verdictReply } from '../replies.ts'
import type { Session } from '../session.ts'
import { enterCommand } from './command.ts'
import { lose, outOfStep } from './lost.ts'
import type { Relay } from './relay.ts'

/** What the client hears behind its chunk instead of the backend's reply. */
export interface Refusal {
  readonly text: string
  /** How the session ends with it; null: it goes on. */
  readonly ending: Ending | null
}

/**
 * One chunk of BDAT (RFC 3030): as many octets as its command says are no commands, whatever becomes of them. They stream to the
 * backend untouched, since to mend a newline would change their number; or, where it must not have them, are counted and thrown
 * away. Only chunks of a transaction with a recipient go over, to a backend that has offered CHUNKING to this client: so a server
 * that refuses at once, and takes the octets for commands, is never given any. (Stock Sendmail does, and a gate that it trusts was
 * an open relay.) What the gate offered may be another server's promise, or the one to its probe; hence 451.
 */
export class Carrying implements Phase {
  readonly name = 'chunk'
  private readonly chunk: Chunk
  /** null: the gate speaks for itself. */
  private readonly relay: Relay | null
  private left: number
  /** The backend has the whole of it: what it says now is the answer. */
  private isOver = false
  private refusal: Refusal | null

  constructor(chunk: Chunk, relay: Relay | null, refusal: Refusal | null) {
    this.chunk = chunk
    this.left = chunk.size
    this.relay = relay
    this.refusal = refusal
  }

  work(session: Session, now: Instant): void {
    if (this.isOver) return this.noteAhead(session)
    this.carry(session)
    if (this.left === 0) return this.end(session, now)
    this.setDeadline(session, now)
    if (session.clientGone) this.clientEnded(session, now)
  }

  clientEnded(session: Session, now: Instant): void {
    // A chunk that was received completely is finished, and its reply sent, first (RFC 9293 3.6: the other half is open).
    if (this.isOver) return
    if (this.relay !== null) session.journal.aborted++
    session.conclude('hangup', now)
  }

  learnt(session: Session): void {
    session.judge()
  }

  timeout(session: Session, now: Instant): void {
    const { house, arrival, journal } = session
    if (this.isOver) {
      journal.detail = 'backend: no reply to BDAT'
      return this.lose(session, 'timeout', now)
    }
    if (this.relay !== null) journal.aborted++
    session.conclude('timeout', now, replies.timeout(house.hostname, arrival.id))
  }

  drain(): void {
    // Its reply comes first; relay lets the client go at the end of its message.
  }

  opened(): void {}
  secured(): void {}

  reply(session: Session, reply: Reply, now: Instant): void {
    const { relay, chunk } = this
    if (relay === null || (this.refusal !== null && this.refusal.ending !== null)) return
    if (!this.isOver) {
      session.journal.backendSaid(reply)
      session.journal.detail = 'backend: a reply before the end of a chunk'
      return this.forsake(session)
    }
    if (!isPositive(reply) && !isNegative(reply)) {
      session.journal.deferred++
      return outOfStep(session, `${reply.code} to BDAT`, now)
    }
    session.handedOver = false
    if (isPositive(reply) && !chunk.last) {
      relay.midMessage = true
      if (chunk.size > 0) session.commandsSinceMessage = 0
    } else {
      session.commandsSinceMessage = 0
      if (isPositive(reply)) session.facts.junkCommands = 0
      session.journal.message(reply)
      noteHeard(session, 'dot', reply)
      relay.endMessage(session)
    }
    relay.resume(session, reply.text, now)
  }

  backendGone(session: Session, why: string, now: Instant): void {
    session.journal.detail = `backend: ${why}`
    // The client hears of it where it listens: behind its chunk.
    if (this.isOver) this.lose(session, 'backend closed', now)
    else this.forsake(session)
  }

  /** Takes what waits of the chunk. */
  private carry(session: Session): void {
    if (this.left === 0) return
    for (let octets = session.lines.takeChunk(); octets !== null; octets = session.lines.takeChunk()) {
      const piece = octets.length <= this.left ? octets : octets.subarray(0, this.left)
      if (piece.length < octets.length) session.lines.putBack(octets.subarray(piece.length))
      this.left -= piece.length
      if (this.refusal === null) this.note(session, piece)
      // What it has begun to say by now is not the reply to this chunk.
      if (this.left === 0 && this.refusal === null && session.backendAhead) this.forsake(session)
      if (this.refusal === null) {
        session.journal.octetsToBackend += piece.length
        session.port.message(piece)
      }
      if (this.left === 0) return
    }
  }

  private end(session: Session, now: Instant): void {
    const { refusal, chunk } = this
    const { waits } = session.house
    if (refusal !== null) return this.refuse(session, refusal, now)
    this.isOver = true
    session.handedOver = chunk.last
    session.expectReply(chunk.last ? 'dot' : 'data', now)
    session.deadline = now + (chunk.last ? waits.backendFinal : waits.backendReply)
    this.noteAhead(session)
  }

  private refuse(session: Session, { text, ending }: Refusal, now: Instant): void {
    if (ending !== null) return endWith(session, ending, text, now)
    if (this.relay !== null) return this.relay.resume(session, text, now)
    session.port.send(text)
    enterCommand(session, now)
  }

  private note(session: Session, piece: Uint8Array): void {
    const content = this.relay?.content
    if (!content) return
    const isOdd = this.noteHeader(session, content, piece)
    const isBare = this.noteNewlines(session, content, piece)
    if (!isOdd && !isBare) return
    const { house, arrival } = session
    const verdict = refusing(session)
    if (isBare && house.bareNewline === 'refuse')
      this.refusal = { text: replies.bareNewline(arrival.id), ending: 'verdict' }
    else if (verdict !== null) this.refusal = { text: verdictReply(verdict, arrival.id), ending: 'verdict' }
  }

  private noteHeader(session: Session, content: ChunkedContent, piece: Uint8Array): boolean {
    const { header } = content
    if (header === null || (!header.read(piece) && !(this.chunk.last && this.left === 0))) return false
    content.header = null
    return noteHeader(session, header)
  }

  /** Lone CRs and LFs are content where the message is binary, and a fault elsewhere. */
  private noteNewlines({ facts, mail }: Session, { newlines }: ChunkedContent, piece: Uint8Array): boolean {
    if (mail?.binary === true) return false
    newlines.read(piece)
    if (newlines.bare === 0) return false
    facts.bareNewlineAfter ??= 'BDAT'
    facts.bareNewlines += newlines.bare
    newlines.bare = 0
    return true
  }

  /** The rest is read and thrown away. */
  private forsake(session: Session): void {
    session.abandon()
    this.refusal = { text: replies.backendLost(session.house.hostname, session.arrival.id), ending: 'backend closed' }
  }

  private lose(session: Session, ending: Ending, now: Instant): void {
    session.journal.deferred++
    lose(session, ending, now)
  }

  private noteAhead(session: Session): void {
    if (!session.isDone && !session.pipeliningOffered && session.noteAhead('BDAT')) session.judge()
  }

  private setDeadline(session: Session, now: Instant): void {
    const { waits } = session.house
    const end = session.startedAt + (this.relay === null ? waits.screening : waits.session)
    session.deadline = Math.min(now + waits.data, end)
  }
}

/** A message ends with the gate's own reply, and the session with it. */
export function endWith(session: Session, ending: Ending, text: string, now: Instant): void {
  session.journal.refusal(text)
  if (text.startsWith('5')) session.journal.refused++
  else session.journal.deferred++
  session.conclude(ending, now, text)
}
