import type { Instant } from '@sallyport/rules'
import { type Command, isClean, isNonSmtp, isUseful, mayBeGrouped, parseCommand } from '../smtp/command.ts'
import { isHelloName } from '../smtp/path.ts'
import { replies, verdictReply } from './replies.ts'
import type { Session } from './session.ts'

/**
 * The next command, to be answered by the phase; null: nothing more to do now. What every command has in
 * common is done here, for the phase that speaks itself and for the one that relays: facts, limits, the verdict `drop`.
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
  const malformed = line.tooLong || line.text === '' || !isClean(line.text)
  note(session, command, line.bare, malformed)
  const verdict = session.judge()
  if (verdict.action === 'drop') {
    session.drop(verdict, now)
    return null
  }
  if (session.commandsSinceMessage > house.limits.commands && command.verb !== 'QUIT') {
    session.conclude('limit', now, replies.tooMany(house.hostname, arrival.id))
    return null
  }
  return malformed ? { ...command, verb: 'malformed' } : command
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
  session.lastVerb = command.verb === 'unknown' ? 'an unknown command' : command.verb
  if (!(session.pipeliningOffered && mayBeGrouped(command.verb))) session.noteAhead(session.lastVerb)
}

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
  if (session.hello !== null) junk(session)
  session.hello = { verb, name: argument, line }
  facts.hello = argument.slice(0, 255)
  if (!isHelloName(argument)) facts.helloMalformed = true
}

/** Answers RCPT with the verdict, if that is against the client; true: answered. */
export function refuse(session: Session): boolean {
  const verdict = session.tally.verdict
  if (verdict.action === 'none') return false
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
 * What never reaches the backend, from anybody: lines that are no commands; XCLIENT and XFORWARD would forge an address, the others carry octets
 * that are no commands, or turn the roles round. BDAT has them right behind it, so the connection ends with the answer.
 * True: answered.
 */
export function answerWithheld(session: Session, command: Command, now: Instant): boolean {
  switch (command.verb) {
    case 'BDAT':
      session.conclude('limit', now, replies.unimplemented)
      return true
    case 'AUTH':
    case 'STARTTLS':
    case 'XCLIENT':
    case 'XFORWARD':
      session.port.send(replies.unimplemented)
      return true
    case 'unknown':
      session.port.send(replies.unrecognized)
      return true
    case 'malformed': {
      const tooLong = command.line.length > session.house.limits.commandLine
      session.port.send(tooLong ? replies.lineTooLong : replies.syntax)
      return true
    }
    default:
      return false
  }
}
