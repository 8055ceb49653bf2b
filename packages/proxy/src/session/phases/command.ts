import type { Instant } from '@sallyport/rules'
import type { Command } from '../../smtp/command.ts'
import { isRecipientOf, parsePath } from '../../smtp/path.ts'
import { answerWithheld, declineRcpt, nextCommand, noteHello, refuse, reject } from '../dialogue.ts'
import type { Transaction } from '../envelope.ts'
import { type Phase, withoutBackend } from '../phase.ts'
import { replies } from '../replies.ts'
import type { Session } from '../session.ts'
import { sendAway } from './early.ts'
import { enterOpening } from './opening.ts'

/**
 * The gate speaks SMTP itself, to see how the client does. Nothing is promised that the backend would have to keep: the
 * first RCPT that our checks accept opens it. Until then a refusal is the gate's own, and is given at RCPT, where every
 * sender's log shows it beside the recipient.
 */
const command: Phase = {
  name: 'command',
  ...withoutBackend,

  work(session, now) {
    for (let next = nextCommand(session, now); next !== null; next = nextCommand(session, now)) {
      answer(session, next, now)
      if (session.phase !== command) return
      setDeadline(session, now)
    }
  },

  clientEnded(session, now) {
    session.conclude('hangup', now)
  },

  learnt(session, _asked, now) {
    const verdict = session.judge()
    if (verdict.action === 'drop') session.drop(verdict, now)
  },

  timeout(session, now) {
    session.conclude('timeout', now, replies.timeout(session.house.hostname, session.arrival.id))
  },

  drain(session, now) {
    sendAway(session, now)
  },
}

/** Back, or for the first time, to where the gate speaks for itself. */
export function enterCommand(session: Session, now: Instant): void {
  session.phase = command
  if (session.draining) {
    sendAway(session, now)
    return
  }
  setDeadline(session, now)
  command.work(session, now)
  if (session.isDone || session.phase !== command) return
  if (session.clientGone) session.conclude('hangup', now)
  // The backend may have used up the time that there was until it opened.
  else if (session.deadline <= now) command.timeout(session, now)
}

function setDeadline(session: Session, now: Instant): void {
  const { waits } = session.house
  session.deadline = Math.min(now + waits.command, session.startedAt + waits.screening)
}

function answer(session: Session, next: Command, now: Instant): void {
  if (answerWithheld(session, next, now)) return
  const { port } = session
  switch (next.verb) {
    case 'EHLO':
    case 'HELO':
      return hello(session, next, now)
    case 'MAIL':
      return mail(session, next)
    case 'RCPT':
      return rcpt(session, next, now)
    case 'DATA':
      return data(session, now)
    case 'RSET':
      session.transaction = null
      return port.send(replies.ok)
    case 'QUIT':
      return session.conclude('quit', now, replies.bye)
    case 'NOOP':
      return port.send(replies.ok)
    case 'HELP':
      return port.send(replies.help)
    case 'VRFY':
      return port.send(replies.cannotVerify)
    default:
      return port.send(replies.unimplemented)
  }
}

function hello(session: Session, command: Command, now: Instant): void {
  const { verb } = command
  if (command.argument === '') return reject(session, replies.helloSyntax(verb))
  const { house, port, tally } = session
  noteHello(session, command)
  session.transaction = null
  const verdict = session.judge()
  if (verdict.action === 'drop') return session.drop(verdict, now)
  session.pipeliningOffered = verb === 'EHLO' && tally.hasPassed(house.plan, 'pipelining')
  port.send(verb === 'EHLO' ? house.offer.reply(session.pipeliningOffered) : replies.helo(house.hostname))
}

function mail(session: Session, { argument, line }: Command): void {
  if (session.hello === null) return reject(session, replies.helloFirst)
  if (session.transaction !== null) return reject(session, replies.nestedMail)
  const sender = parsePath('FROM', argument)
  if (sender === null) return reject(session, replies.mailSyntax)
  session.journal.sender(sender.path)
  session.transaction = { mailLine: line, refusal: null, recipients: 'none' }
  session.port.send(replies.mailOk)
}

function rcpt(session: Session, { argument, line }: Command, now: Instant): void {
  const { transaction, house } = session
  if (transaction === null || session.hello === null) return reject(session, replies.needMail)
  const recipient = parsePath('TO', argument)
  if (recipient === null) return reject(session, replies.rcptSyntax)
  session.journal.recipient(recipient.path)
  session.facts.enveloped = true
  const verdict = session.judge()
  if (verdict.action === 'drop') return session.drop(verdict, now)
  if (refuse(session)) return
  if (house.recipientDomains !== null && !isRecipientOf(house.recipientDomains, recipient)) {
    return denyRelay(session)
  }
  if (transaction.refusal !== null) return declineRcpt(session, transaction.refusal)
  enterOpening(session, line, now)
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
