import { endsDialogue, type Instant, judgeRecipient, type Verdict } from '@sallyport/rules'
import { parseChunk } from '../smtp/chunk.ts'
import {
  authLine,
  type Command,
  isClean,
  isNonSmtp,
  isUseful,
  mayBeGrouped,
  parseCommand,
  type Verb,
} from '../smtp/command.ts'
import { hasEightBit, isUtf8 } from '../smtp/octets.ts'
import { domainOf, isAlwaysReachable, isHelloName, parsePath } from '../smtp/path.ts'
import { decoyGroup, isLured, mayLure } from './decoy.ts'
import { mailOf } from './envelope.ts'
import type { House } from './house.ts'
import { enterHandshake } from './phases/handshake.ts'
import { replies, verdictReply } from './replies.ts'
import { noteHelloName } from './sender.ts'
import type { Session } from './session.ts'
import { mayLogIn, planFor } from './standing.ts'

/**
 * The next command, to be answered by the phase; null: nothing more to do now. What every command has in
 * common is done here, for the phase that speaks itself and for the one that relays: facts, limits, the verdict that ends the dialogue.
 */
export function nextCommand(session: Session, now: Instant): Command | null {
  const { house, lines, arrival } = session
  if (session.isDone) return null
  // Thousands of commands fit into what may be pending, each with a reply ten times as long.
  session.isStalled = session.port.isFull
  if (session.isStalled) return null
  const line = lines.takeLine()
  if (line === null) {
    if (lines.hopeless) session.conclude('limit', now, replies.endlessLine(house.hostname, arrival.id))
    return null
  }
  const command = parseCommand(line.text)
  const tooLong = line.tooLong || isTooLong(session, command)
  const malformed = tooLong || line.text === '' || !isClean(line.text)
  note(session, command, line.bare, malformed)
  const verdict = session.judge()
  if (endsDialogue(verdict)) {
    session.expel(verdict, now)
    return null
  }
  if (session.commandsSinceMessage > house.limits.commands && command.verb !== 'QUIT') {
    session.conclude('limit', now, replies.tooMany(house.hostname, arrival.id))
    return null
  }
  return malformed ? { ...command, verb: 'malformed' } : command
}

function isTooLong(session: Session, { verb, line }: Command): boolean {
  return line.length > (verb === 'AUTH' ? authLine : session.house.limits.commandLine)
}

function note(session: Session, command: Command, bare: boolean, malformed: boolean): void {
  const { facts } = session
  facts.commands++
  session.commandsSinceMessage++
  if (bare || command.line.includes('\r')) {
    facts.bareNewlines++
    facts.bareNewlineAfter ??= session.lastVerb
  }
  if (command.verb === 'unknown' && isNonSmtp(command.line)) facts.nonSmtpCommand ??= command.line.slice(0, 100)
  if (malformed || !isUseful(command.verb)) junk(session)
  session.lastVerb = isWord(command.verb) ? command.verb : 'an unknown command'
  // What stands behind BDAT is its chunk.
  if (command.verb === 'BDAT' && parseChunk(command.argument) !== null) return
  if (!(session.pipeliningOffered && mayBeGrouped(command.verb))) session.noteAhead(session.lastVerb)
}

const isWord = (verb: Verb): boolean => verb !== 'unknown' && verb !== 'forbidden'

/** Counts a command that moves no mail. */
export function junk(session: Session): void {
  session.facts.junkCommands++
}

/** Answers with an error of the client's making. */
export function reject(session: Session, text: string): void {
  junk(session)
  session.port.send(text)
}

/** Remembers a HELO or EHLO for the replay, and what can be told from its argument. */
export function noteHello(session: Session, { verb, argument, line }: Command): void {
  if (verb !== 'EHLO' && verb !== 'HELO') return
  const { facts } = session
  const before = session.hello?.name ?? null
  if (before !== null) junk(session)
  session.hello = { verb, name: argument, line }
  if (!isHelloName(argument)) facts.helloMalformed = true
  noteHelloName(session, argument, before)
  session.plan = planFor(session, null)
}

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
