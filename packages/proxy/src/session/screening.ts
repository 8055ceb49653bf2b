import { endsDialogue, type Instant, judgeRecipient, type Verdict } from '@sallyport/rules'
import { domainOf, isAlwaysReachable } from '../smtp/path.ts'
import { decoyGroup, isLured, mayLure } from './decoy.ts'
import { verdictReply } from './replies.ts'
import type { Session } from './session.ts'
import { planFor } from './standing.ts'

/** The verdict for the recipient that is asked for now. */
export function verdictForRecipient(session: Session): Verdict {
  const { recipient } = session.facts
  const plan = planFor(session, recipient?.domain ?? null)
  const verdict = judgeRecipient(session.facts, plan, session.tally)
  const mayWrite = endsDialogue(verdict) || recipient === null || !isAlwaysReachable(recipient.path)
  return mayWrite ? verdict : { action: 'none', cause: null }
}

/** What forbids the message of this transaction; null: nothing. */
export function forbidding(session: Session): Verdict | null {
  const { verdict } = session.tally
  if (verdict.action === 'decoy' && isLured(session)) return null
  return verdict.action === 'none' || (session.pardoned === true && !endsDialogue(verdict)) ? null : verdict
}

/** A new recipient: decided upon with what is known by now. True: answered, or dropped. */
export function screenRecipient(session: Session, path: string, now: Instant): boolean {
  const { facts } = session
  session.journal.recipient(path)
  // A backend may have taken MAIL without a hello, before this recipient of others let it go.
  if (session.hello !== null) facts.enveloped = true
  facts.recipientsAsked++
  if (!isAlwaysReachable(path)) session.journal.asksOthers = true
  const shown = path.slice(0, 320)
  // What was asked of it is not asked again.
  if (facts.recipient?.path !== shown)
    facts.recipient = { path: shown, domain: domainOf(path).toLowerCase(), grey: null }
  if (session.house.traps.has(path)) facts.trapRecipient ??= shown
  const general = session.judge()
  const verdict = verdictForRecipient(session)
  session.journal.screen(verdict)
  if (endsDialogue(general) || endsDialogue(verdict)) {
    session.expel(endsDialogue(general) ? general : verdict, now)
    return true
  }
  if (refuse(session, verdict)) return true
  if (general.action === 'none') session.pardoned = 'others'
  else if (verdict.action === 'none' && !session.pardoned) session.pardoned = true
  return false
}

/** The group of backends for the recipient that is asked for now, which has been screened; null: the default one. */
export function groupFor(session: Session, path: string): string | null {
  if (verdictForRecipient(session).action === 'decoy') return decoyGroup
  return session.house.routes.groupOf(domainOf(path))
}

/** Answers a command with the verdict, if that is against the client; true: answered. */
export function refuse(session: Session, verdict: Verdict): boolean {
  if (verdict.action === 'none' || (verdict.action === 'decoy' && mayLure(session))) return false
  const text = verdictReply(verdict, session.arrival.id)
  session.journal.refusal(text)
  declineRcpt(session, text)
  return true
}

/** Answers RCPT with a refusal, the gate's or the backend's; the transaction remembers which kind. */
export function declineRcpt(session: Session, text: string): void {
  const { transaction } = session
  if (transaction !== null && transaction.recipients !== 'deferred') {
    transaction.recipients = text.startsWith('4') ? 'deferred' : 'refused'
  }
  session.port.send(text)
}
