import type { Instant } from '@sallyport/rules'
import type { Command } from '../../smtp/command.ts'
import { isRecipientOf, parsePath } from '../../smtp/path.ts'
import { isLured } from '../decoy.ts'
import { replies } from '../replies.ts'
import { groupFor, screenRecipient } from '../screening.ts'
import type { Session } from '../session.ts'
import { denyRelay } from './command.ts'
import { enterOpening } from './opening.ts'
import type { Relay } from './relay.ts'

/** RCPT where a backend is behind. True: answered by the gate, or by another backend. */
export function relayRecipient(session: Session, relay: Relay, command: Command, now: Instant): boolean {
  const { house } = session
  const recipient = parsePath('TO', command.argument)
  if (screenRecipient(session, recipient?.path ?? '', now)) return true
  if (house.recipientDomains !== null && !(recipient && isRecipientOf(house.recipientDomains, recipient))) {
    denyRelay(session)
    return true
  }
  return redirect(session, relay, command, groupFor(session, recipient?.path ?? ''), now)
}

/** A recipient of other servers: they get the transaction if it has no recipient yet, else one of its own (RFC 5321 4.5.3.1.10). */
function redirect(session: Session, relay: Relay, command: Command, group: string | null, now: Instant): boolean {
  if (group === session.group || isLured(session) || session.mail === null) {
    relay.hasAsked = true
    return false
  }
  if (relay.hasAsked || session.facts.authenticated) session.port.send(replies.otherServer)
  else {
    session.abandon()
    session.transaction = { refusal: null, recipients: 'none' }
    enterOpening(session, command, group, now)
  }
  return true
}
