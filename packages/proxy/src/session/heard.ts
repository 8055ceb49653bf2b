import { Aftermath, type BackendWord, type ReplyStage, senderIdentity, wordOf } from '@sallyport/rules'
import type { Verb } from '../smtp/command.ts'
import { keywordLines, offersKeyword, sizeLimitOf } from '../smtp/keywords.ts'
import { isPositive, type Reply } from '../smtp/reply.ts'
import { isLured } from './decoy.ts'
import type { Session } from './session.ts'

const stages: { readonly [V in Verb]?: ReplyStage } = { MAIL: 'mail', RCPT: 'rcpt' }

/** Counts what the backend said of the client's mail: the checks judge by it and are judged by it, and the memory learns from it. */
export function noteHeard(session: Session, stage: ReplyStage, reply: Reply): void {
  // What a decoy says speaks of nobody.
  if (isLured(session)) return
  const { facts, journal, tally } = session
  const word = meant(session, wordOf(stage, reply.code, reply.text))
  facts.backend ??= { mail: {}, rcpt: {}, dot: {} }
  const counts = facts.backend[stage]
  counts[word] = (counts[word] ?? 0) + 1
  if (stage === 'dot' && word === 'content') journal.condemn(senderIdentity(facts.spf))
  // What nobody may be kept from says nothing of who keeps: it would have been let in all the same.
  const isJudged = stage === 'mail' || (journal.asksOthers && session.pardoned !== true)
  if (isJudged) journal.aftermath = Aftermath.note(journal.aftermath, tally, stage, word)
}

/**
 * The recipient of a bounce, or of a callout, was chosen by whoever forged its sender: that nobody has it speaks of no honest server. A
 * bounce has one recipient (RFC 5321 4.5.5); the others of a null sender are its own choice.
 */
function meant({ facts }: Session, word: BackendWord): BackendWord {
  const isBounce = facts.sender === '' && facts.recipientsAsked <= 1
  return word === 'unknown user' && isBounce ? 'other' : word
}

/** What the backend that is open offers in its reply to EHLO or HELO. */
export function noteOffer(session: Session, reply: Reply): void {
  const { responder } = session
  if (responder === null) return
  responder.takesChunks = offersKeyword(reply, 'CHUNKING')
  responder.sizeLimit = isPositive(reply) ? sizeLimitOf(keywordLines(reply)) : null
}

/** The same for a command; the replies to most say nothing of the client. */
export function noteReply(session: Session, verb: Verb, reply: Reply): void {
  const stage = stages[verb]
  if (stage !== undefined) noteHeard(session, stage, reply)
}
