import type { Instant } from '@sallyport/rules'
import { type Command, isNonSmtp, parseCommand, type Verb } from '../smtp/command.ts'
import { hasEightBit, isUtf8 } from '../smtp/octets.ts'
import { parsePath } from '../smtp/path.ts'
import { isTooLong, reject } from './dialogue.ts'
import { mailOf } from './envelope.ts'
import type { House } from './house.ts'
import { enterHandshake } from './phases/handshake.ts'
import { replies } from './replies.ts'
import { refuse } from './screening.ts'
import type { Session } from './session.ts'
import { mayLogIn } from './standing.ts'

/**
 * What the gate answers whoever asks, and whether or not a backend is behind: lines that are no commands, verbs that may not
 * be passed on, STARTTLS that is its own, and all but a few before it where TLS is demanded. True: answered.
 */
export function answerAlways(session: Session, command: Command, now: Instant): boolean {
  const { port, arrival, house } = session
  const { verb } = command
  if (arrival.starttls === 'required' && session.tls === null && !beforeTls.has(verb)) {
    // What comes behind DATA is a message, and must not be taken for commands.
    if (verb === 'DATA' && session.lines.hasTalk())
      session.conclude('data without recipient', now, replies.starttlsFirst)
    else port.send(replies.starttlsFirst)
    return true
  }
  switch (verb) {
    case 'STARTTLS':
      return answerStarttls(session, command, now)
    case 'AUTH':
      return declineAuth(session)
    case 'MAIL':
      return declinePrdr(session, command) || declineEightBit(session, command)
    case 'RCPT':
      return declineEightBit(session, command)
    case 'forbidden':
      port.send(replies.unimplemented)
      return true
    case 'unknown':
      if (mayPass(house, command)) return false
      port.send(replies.unrecognized)
      return true
    case 'malformed':
      declineMalformed(session, command, now)
      return true
    default:
      return false
  }
}

/** RFC 3207 4: what is heard before STARTTLS where it is demanded. The chunk of BDAT must be thrown away all the same. */
const beforeTls: ReadonlySet<Verb> = new Set([
  'EHLO',
  'HELO',
  'NOOP',
  'QUIT',
  'STARTTLS',
  'BDAT',
  'malformed',
  'forbidden',
])

/** Whether the backend may be asked a verb that the gate does not know; a line of another protocol is none. */
function mayPass({ verbs }: House, { line }: Command): boolean {
  const word = /^[a-z][a-z0-9-]{0,31}(?=[ \t]|$)/i.exec(line)?.[0]
  return word !== undefined && !isNonSmtp(line) && (verbs === null || verbs.has(word.toUpperCase()))
}

function answerStarttls(session: Session, { argument }: Command, now: Instant): boolean {
  const { port, arrival, house } = session
  if (arrival.starttls === 'off' || house.withhold.has('STARTTLS')) reject(session, replies.unimplemented)
  else if (session.tls !== null) reject(session, replies.alreadyTls)
  else if (argument !== '') reject(session, replies.starttlsSyntax)
  // Unseen it would get past its refusal: in the clear it hears that.
  else if (arrival.starttls === 'pass_through' && session.judge().action !== 'none') port.send(replies.noTlsNow)
  else if (arrival.starttls === 'pass_through') return false
  else enterHandshake(session, now)
  return true
}

/** True: answered, because it may not log in, or not now. */
function declineAuth(session: Session): boolean {
  const { house, port, arrival } = session
  const { auth, offer, withhold } = house
  if (session.hello === null) reject(session, replies.helloFirst)
  else if (auth === 'never' || withhold.has('AUTH') || !offer.has('AUTH')) reject(session, replies.unimplemented)
  else if (!mayLogIn(session)) port.send(replies.loginNeedsTls)
  else {
    // Where everybody must have TLS there are users, and they are judged by their password; elsewhere there are strangers.
    const forUsers = arrival.tls !== null || arrival.starttls === 'required'
    if (forUsers) return false
    const { verdict } = session.tally
    if (verdict.action !== 'decoy') return refuse(session, verdict)
    reject(session, replies.loginFailed)
  }
  return true
}

function declineMalformed(session: Session, { line }: Command, now: Instant): void {
  const said = parseCommand(line)
  const text = isTooLong(session, said) ? replies.lineTooLong : replies.syntax
  // How many octets behind it are no commands cannot be told.
  if (said.verb === 'BDAT') session.conclude('limit', now, text)
  else session.port.send(text)
}

/** PRDR is not offered, as its answers to a message are several; a client that asks for it all the same would hear none. */
function declinePrdr(session: Session, { argument }: Command): boolean {
  if (!/[ \t]PRDR(?=[ \t]|$)/i.test(argument)) return false
  reject(session, replies.noPrdr)
  return true
}

/** Addresses are ASCII, or UTF-8 where the transaction says so (RFC 6531 3.5); else two servers may read two addresses. */
function declineEightBit(session: Session, { verb, argument, line }: Command): boolean {
  if (!hasEightBit(line)) return false
  const path = parsePath(verb === 'MAIL' ? 'FROM' : 'TO', argument)
  const mail = verb === 'MAIL' ? mailOf(line, path?.parameters ?? '') : session.mail
  const text = mail?.smtputf8 !== true ? replies.notAscii : isUtf8(line) ? null : replies.notUtf8
  if (text === null) return false
  reject(session, text)
  return true
}
