import { endsDialogue, type Instant } from '@sallyport/rules'
import type { Command } from '../../smtp/command.ts'
import { isRecipientOf, parsePath } from '../../smtp/path.ts'
import { nextCommand, noteHello, reject } from '../dialogue.ts'
import { mailOf, type Transaction } from '../envelope.ts'
import { answerAlways } from '../own-answers.ts'
import { type Phase, withoutBackend } from '../phase.ts'
import { replies } from '../replies.ts'
import { declineRcpt, groupFor, screenRecipient } from '../screening.ts'
import { noteSender } from '../sender.ts'
import type { Session } from '../session.ts'
import { commandWait, isProven, mayGo, viewOf } from '../standing.ts'
import { refuseChunk } from './bdat.ts'
import { sendAway } from './early.ts'
import { holdBack } from './hold.ts'
import { sayByLine } from './lines.ts'
import { enterOpening } from './opening.ts'

/**
 * The gate speaks SMTP itself, to see how the client does. Nothing is promised that the backend would have to keep: the
 * first command that only the backend can answer opens it, as a rule the first RCPT that our checks accept. Until then a refusal
 * is the gate's own, and is given at RCPT, where every sender's log shows it beside the recipient.
 */
const command: Phase = {
  name: 'command',
  ...withoutBackend,

  work(session, now) {
    for (let next = nextCommand(session, now); next !== null; next = nextCommand(session, now)) {
      const held = next
      if (holdBack(session, held, command, now, later => goOn(session, held, later))) return
      answer(session, next, now)
      if (session.phase !== command) return
      if (mayGo(session)) return sendAway(session, now)
      setDeadline(session, now)
    }
  },

  clientEnded(session, now) {
    session.conclude('hangup', now)
  },

  learnt(session, _asked, now) {
    const verdict = session.judge()
    if (endsDialogue(verdict)) session.expel(verdict, now)
  },

  timeout(session, now) {
    if (session.draining) return sendAway(session, now)
    session.conclude('timeout', now, replies.timeout(session.house.hostname, session.arrival.id))
  },

  drain(session, now) {
    if (mayGo(session)) sendAway(session, now)
    else setDeadline(session, now)
  },
}

/** The client has waited long enough. */
function goOn(session: Session, held: Command, now: Instant): void {
  answer(session, held, now)
  if (session.phase === command) enterCommand(session, now)
}

/** Back, or for the first time, to where the gate speaks for itself. */
export function enterCommand(session: Session, now: Instant): void {
  session.phase = command
  if (mayGo(session)) return sendAway(session, now)
  setDeadline(session, now)
  command.work(session, now)
  if (session.isDone || session.phase !== command) return
  if (session.clientGone) session.conclude('hangup', now)
  // The backend may have used up the time that there was until it opened.
  else if (session.deadline <= now) command.timeout(session, now)
}

function setDeadline(session: Session, now: Instant): void {
  const { waits } = session.house
  session.deadline = Math.min(now + commandWait(session), session.startedAt + waits.screening)
}

function answer(session: Session, next: Command, now: Instant): void {
  if (answerAlways(session, next, now)) return
  const { port } = session
  switch (next.verb) {
    case 'EHLO':
    case 'HELO':
      return hello(session, next, now)
    case 'MAIL':
      return mail(session, next, now)
    case 'RCPT':
      return rcpt(session, next, now)
    case 'DATA':
      return data(session, now)
    case 'BDAT':
      return refuseChunk(session, next, noDataReply(session.transaction), now)
    case 'RSET':
      session.endTransaction()
      return port.send(replies.ok)
    case 'QUIT':
      return session.conclude('quit', now, replies.bye)
    case 'NOOP':
      return port.send(replies.ok)
    case 'AUTH':
      return login(session, next, now)
    case 'STARTTLS':
    case 'ETRN':
      return ask(session, next, session.tally.verdict.action === 'none', replies.unimplemented, now)
    case 'HELP':
      return ask(session, next, isProven(session), replies.help, now)
    case 'VRFY':
      return ask(session, next, isProven(session), replies.cannotVerify, now)
    case 'EXPN':
      return ask(session, next, isProven(session), replies.unimplemented, now)
    default:
      return ask(session, next, isProven(session), replies.unrecognized, now)
  }
}

/** What only the backend can answer; `otherwise` is for those who do not get to it. Commands that move no mail open it for nobody new. */
function ask(session: Session, command: Command, mayOpen: boolean, otherwise: string, now: Instant): void {
  if (mayOpen && session.hello !== null && !session.arrival.health) enterOpening(session, command, null, now)
  else session.port.send(otherwise)
}

function login(session: Session, command: Command, now: Instant): void {
  if (session.transaction !== null) reject(session, replies.loginInTransaction)
  else enterOpening(session, command, null, now)
}

function hello(session: Session, command: Command, now: Instant): void {
  const { verb } = command
  if (command.argument === '') return reject(session, replies.helloSyntax(verb))
  const { house, port, tally } = session
  noteHello(session, command)
  session.endTransaction()
  const verdict = session.judge()
  if (endsDialogue(verdict)) return session.expel(verdict, now)
  session.pipeliningOffered = verb === 'EHLO' && tally.hasPassed(session.plan, 'pipelining')
  const text = verb === 'EHLO' ? house.offer.reply(viewOf(session)) : replies.helo(house.hostname)
  if (!sayByLine(session, text, now, behindHello)) port.send(text)
}

/** RFC 2920 3.1: whatever comes before the last line of the reply to EHLO did not wait for it. */
const behindHello = {
  hear: (session: Session) => session.noteAhead('EHLO'),
  go: (session: Session, now: Instant) => enterCommand(session, now),
}

function mail(session: Session, command: Command, now: Instant): void {
  if (session.hello === null) {
    session.facts.mailBeforeHello = true
    return reject(session, replies.helloFirst)
  }
  if (session.transaction !== null) return reject(session, replies.nestedMail)
  const sender = parsePath('FROM', command.argument)
  if (sender === null) return reject(session, replies.mailSyntax)
  session.journal.sender(sender.path)
  const opens = session.house.connect !== 'rcpt' && session.tally.verdict.action === 'none'
  if (opens && !session.arrival.health) return enterOpening(session, command, null, now)
  noteSender(session, sender.path)
  session.mail = mailOf(command.line, sender.parameters)
  session.transaction = { refusal: null, recipients: 'none' }
  session.port.send(replies.mailOk)
}

function rcpt(session: Session, command: Command, now: Instant): void {
  const { transaction, house } = session
  if (transaction === null) return reject(session, replies.needMail)
  const recipient = parsePath('TO', command.argument)
  if (recipient === null) return reject(session, replies.rcptSyntax)
  if (screenRecipient(session, recipient.path, now)) return
  if (house.recipientDomains !== null && !isRecipientOf(house.recipientDomains, recipient)) {
    return denyRelay(session)
  }
  if (transaction.refusal !== null) return declineRcpt(session, transaction.refusal)
  enterOpening(session, command, groupFor(session, recipient.path), now)
}

export function denyRelay(session: Session): void {
  const text = replies.relayDenied(session.arrival.id)
  session.journal.refusal(text)
  declineRcpt(session, text)
}

function data(session: Session, now: Instant): void {
  const text = noDataReply(session.transaction)
  // What comes behind is a message, and must not be taken for commands.
  if (session.lines.hasTalk()) return session.conclude('data without recipient', now, text)
  reject(session, text)
}

/** DATA without a recipient. Where one was only deferred, so is the message: some clients look at no other reply. */
function noDataReply(transaction: Transaction | null): string {
  if (transaction === null) return replies.needMail
  switch (transaction.recipients) {
    case 'none':
      return replies.needRcpt
    case 'refused':
      return replies.noRecipients
    case 'deferred':
      return replies.noRecipientsYet
    default:
      return transaction.recipients satisfies never
  }
}
