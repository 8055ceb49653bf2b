import { endsDialogue, type Instant } from '@sallyport/rules'
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
import { isHelloName } from '../smtp/path.ts'
import { replies } from './replies.ts'
import { noteHelloName } from './sender.ts'
import type { Session } from './session.ts'
import { planFor } from './standing.ts'

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

export function isTooLong(session: Session, { verb, line }: Command): boolean {
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
