import type { Instant } from '@sallyport/rules'
import { type Chunk, chunkCommand, parseChunk } from '../../smtp/chunk.ts'
import type { Command } from '../../smtp/command.ts'
import { ChunkedContent, noteHeader, noteSize, refusing } from '../content.ts'
import { decoyRefusal, isLured } from '../decoy.ts'
import { junk } from '../dialogue.ts'
import { replies, verdictReply } from '../replies.ts'
import { forbidding } from '../screening.ts'
import type { Session } from '../session.ts'
import { Carrying, endWith, type Refusal } from './chunk.ts'
import { outOfStep } from './lost.ts'
import type { Relay } from './relay.ts'

/** BDAT where a backend is behind. */
export function carryChunk(session: Session, relay: Relay, command: Command, now: Instant): void {
  // A message under way is not deferred in its midst, as a new one would be: what could be deferred was before its first chunk.
  const verdict = relay.midMessage ? refusing(session) : forbidding(session)
  const text = reasonAgainst(session, relay)
  if (text !== null) return throwAway(session, relay, command, { text, ending: null }, now)
  if (verdict !== null) {
    const text = verdictReply(verdict, session.arrival.id)
    return throwAway(session, relay, command, { text, ending: 'verdict' }, now)
  }
  // The decoy knows no chunks, and is offered to nobody as one that does not.
  if (isLured(session))
    return throwAway(session, relay, command, { text: decoyRefusal(session), ending: 'verdict' }, now)
  const chunk = parseChunk(command.argument)
  if (chunk === null) return refuseCount(session, now)
  if (session.backendAhead) return outOfStep(session, 'it spoke before BDAT', now)
  const refused = noteChunk(session, relay, chunk)
  if (refused !== null) return throwAway(session, relay, command, refused, now)
  session.port.command(chunkCommand(chunk))
  const carrying = new Carrying(chunk, relay, null)
  session.phase = carrying
  carrying.work(session, now)
}

/** Notes what the command alone tells of the message, before the backend has it; null: it may have it. */
function noteChunk(session: Session, relay: Relay, { size, last }: Chunk): Refusal | null {
  relay.content ??= new ChunkedContent()
  const { content } = relay
  content.size += size
  if (!last) return null
  const isOdd = size === 0 && content.header !== null && noteHeader(session, content.header)
  const isLarge = noteSize(session, content.size)
  if (!isOdd && !isLarge) return null
  const verdict = refusing(session)
  return verdict === null ? null : { text: verdictReply(verdict, session.arrival.id), ending: 'verdict' }
}

/** Why the backend is given no chunk now; null: it is. */
function reasonAgainst(session: Session, { hasRecipient }: Relay): string | null {
  if (session.responder?.takesChunks !== true && !isLured(session)) return replies.noChunks
  if (hasRecipient) return null
  return session.mail === null ? replies.needMail : replies.noRecipients
}

/** BDAT where the gate speaks for itself, and there is no recipient yet. */
export function refuseChunk(session: Session, command: Command, text: string, now: Instant): void {
  junk(session)
  throwAway(session, null, command, { text, ending: null }, now)
}

function throwAway(session: Session, relay: Relay | null, command: Command, refusal: Refusal, now: Instant): void {
  const chunk = parseChunk(command.argument)
  if (chunk === null) return refuseCount(session, now)
  const left = skip(session, chunk.size)
  if (left === 0) {
    // In place: thousands of empty chunks fit into what may be pending, and each would be a level of the stack.
    if (refusal.ending !== null) endWith(session, refusal.ending, refusal.text, now)
    else session.port.send(refusal.text)
    return
  }
  const carrying = new Carrying({ size: left, last: chunk.last }, relay, refusal)
  session.phase = carrying
  carrying.work(session, now)
}

/** Where octets end and commands begin cannot be told any more. */
function refuseCount(session: Session, now: Instant): void {
  session.conclude('limit', now, replies.chunkSyntax)
}

/** Throws away so many octets, or as many as there are; gives how many are still to come. */
function skip(session: Session, size: number): number {
  let left = size
  while (left > 0) {
    const octets = session.lines.takeChunk()
    if (octets === null) return left
    if (octets.length > left) session.lines.putBack(octets.subarray(left))
    left = Math.max(0, left - octets.length)
  }
  return 0
}
