import type { Verb } from '../smtp/command.ts'
import { isPositive, type Reply } from '../smtp/reply.ts'
import { replies, verdictReply } from './replies.ts'
import type { Session } from './session.ts'
import { viewOf } from './standing.ts'

/** The group of backends that is the decoy: a server of the gate's own that refuses every message. No domain can have this name. */
export const decoyGroup = '@decoy'

/** The session has gone to the decoy. It never comes back from there: what it still says is for nobody. */
export const isLured = (session: Pick<Session, 'group'> | null): boolean => session?.group === decoyGroup

/** Whether a client may still be led to the decoy: as long as no server of the operator's is behind. */
export const mayLure = (session: Session): boolean => isLured(session) || session.phase.name === 'command'

/** What the client hears at the end of its message, or as soon as the decoy is none: that what a refusal says. */
export function decoyRefusal({ tally, arrival }: Session): string {
  return verdictReply({ action: 'refuse', cause: tally.verdict.cause }, arrival.id)
}

/** What the gate answers itself of all that a decoy need not understand; null: the decoy is asked. */
export function besideDecoy(verb: Verb): string | null {
  switch (verb) {
    case 'EHLO':
    case 'HELO':
    case 'MAIL':
    case 'RCPT':
    case 'DATA':
    case 'BDAT':
    case 'RSET':
    case 'NOOP':
    case 'QUIT':
      return null
    case 'AUTH':
      return replies.loginFailed
    case 'HELP':
      return replies.help
    case 'VRFY':
      return replies.cannotVerify
    case 'EXPN':
    case 'ETRN':
    case 'STARTTLS':
      return replies.unimplemented
    default:
      return replies.unrecognized
  }
}

/** The decoy's reply in the words of the gate, so that it cannot be told from that. */
export function inOwnWords(session: Session, verb: Verb, reply: Reply): string {
  const { house, arrival } = session
  if (reply.code === 421) return replies.timeout(house.hostname, arrival.id)
  const isGood = isPositive(reply)
  switch (verb) {
    case 'EHLO':
      return isGood ? house.offer.reply(viewOf(session)) : replies.helloSyntax(verb)
    case 'HELO':
      return isGood ? replies.helo(house.hostname) : replies.helloSyntax(verb)
    case 'MAIL':
      return isGood ? replies.mailOk : reply.code === 503 ? replies.nestedMail : replies.mailSyntax
    case 'RCPT':
      return isGood ? replies.rcptOk : reply.code === 503 ? replies.needMail : replies.rcptSyntax
    case 'DATA':
      return reply.code === 354 ? replies.sendData : session.mail === null ? replies.needMail : replies.needRcpt
    case 'QUIT':
      return replies.bye
    default:
      return isGood ? replies.ok : replies.unrecognized
  }
}
