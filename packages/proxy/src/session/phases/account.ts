import { type Command, isUseful, type Verb } from '../../smtp/command.ts'
import { parsePath } from '../../smtp/path.ts'
import { isPositive, type Reply } from '../../smtp/reply.ts'
import { isLured } from '../decoy.ts'
import { junk, noteHello } from '../dialogue.ts'
import { mailOf } from '../envelope.ts'
import { noteOffer, noteReply } from '../heard.ts'
import { noteSender } from '../sender.ts'
import type { Session } from '../session.ts'
import type { Relay } from './relay.ts'

/** What the backend's reply to a command changes: the transaction, what is known of the client, and what the checks judge by. */
export function account(session: Session, relay: Relay, awaiting: Command, reply: Reply): void {
  const { verb, argument, line } = awaiting
  const good = isPositive(reply)
  const { journal, facts } = session
  if (good) noteHello(session, awaiting)
  if (!good && reply.code >= 400 && !isLured(session)) journal.backendSaid(reply)
  noteReply(session, verb, reply)
  if (verb === 'RCPT') relay.hasRecipient ||= good
  else if (good && endsTransaction(verb)) relay.endMessage(session)
  if (verb === 'MAIL' && good) {
    const path = parsePath('FROM', argument)
    session.mail = mailOf(line, path?.parameters ?? '')
    noteSender(session, path?.path ?? '')
  }
  if (verb === 'HELO') session.pipeliningOffered = false
  if (good && (verb === 'EHLO' || verb === 'HELO')) noteOffer(session, reply)
  if (verb === 'AUTH' && good) noteLogin(session)
  if (reply.code >= 500 && verb !== 'RCPT' && verb !== 'DATA' && isUseful(verb)) junk(session)
  if (good && verb === 'AUTH') facts.junkCommands = 0
}

/** The backend has taken the client's login: after a continuation as after the command itself. */
export function noteLogin(session: Session): void {
  session.facts.authenticated = true
  session.judge()
}

const endsTransaction = (verb: Verb): boolean =>
  verb === 'MAIL' || verb === 'RSET' || verb === 'EHLO' || verb === 'HELO'
