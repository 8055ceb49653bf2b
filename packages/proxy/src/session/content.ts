import { isWorse, type Verdict } from '@sallyport/rules'
import { NewlineCount } from '../smtp/chunk.ts'
import { HeaderReader } from '../smtp/header.ts'
import { forbidding } from './screening.ts'
import type { Session } from './session.ts'

/** What is noted of a message that comes in chunks, over all of them. */
export class ChunkedContent {
  readonly newlines = new NewlineCount()
  /** null: the header is over. */
  header: HeaderReader | null = new HeaderReader()
  /** Octets that were announced. */
  size = 0
}

/** Notes what is wrong with the header of a message; true: something is. */
export function noteHeader({ facts, mail }: Session, header: HeaderReader): boolean {
  const faults = header.faults(mail?.smtputf8 === true)
  if (faults.length === 0) return false
  facts.headerFaults ??= faults.join('; ')
  return true
}

/** What a message may be larger than declared in any case, octets: the fields that relays add on its way. */
const forgiven = 4096

/** Notes the size of a message; true: it is larger than its sender said, or than the backend takes. */
export function noteSize({ facts, responder, mail }: Session, octets: number): boolean {
  const limit = responder?.sizeLimit ?? null
  const declared = mail?.size ?? null
  const isBeyond = limit !== null && octets > limit
  const isUndeclared = declared !== null && octets > declared + forgiven
  facts.messageSize = Math.max(facts.messageSize, octets)
  if (isBeyond) facts.sizeLimit = limit
  if (isUndeclared && (facts.declaredSize === null || octets * facts.declaredSize > facts.sentSize * declared)) {
    facts.declaredSize = declared
    facts.sentSize = octets
  }
  return isBeyond || isUndeclared
}

const deferral: Verdict = { action: 'defer', cause: null }

/**
 * What forbids the message under way, now that a fault in it has been noted; null: nothing. A verdict that refuses is for that message
 * too. One that defers waits for the next recipient: the message would be the same each time it came again.
 */
export function refusing(session: Session): Verdict | null {
  session.judge()
  const verdict = forbidding(session)
  return verdict !== null && isWorse(verdict, deferral) ? verdict : null
}
