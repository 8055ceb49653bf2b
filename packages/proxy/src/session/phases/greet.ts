import { endsDialogue, type Instant, isSettled, never } from '@sallyport/rules'
import type { Reply } from '../../smtp/reply.ts'
import { type Phase, withoutBackend } from '../phase.ts'
import { replies } from '../replies.ts'
import { askFor } from '../sender.ts'
import type { Session } from '../session.ts'
import { isProven, wantsName, wasKnown } from '../standing.ts'
import { enterCommand } from './command.ts'
import { notePregreet } from './early.ts'
import { sayByLine } from './lines.ts'
import { enterOpening } from './opening.ts'
import { enterRelay } from './relay.ts'

/**
 * The greeting is half given, its end held back; the DNS lists are asked; the client must wait. Decided as soon as the answers
 * decide, in both directions: a listed client does not hold its slot for the whole pause, a vouched-for one does not wait.
 *
 * The teaser goes out before the pause is counted (postscreen): a bot that takes the first 220 line for the greeting talks.
 */
const greet: Phase = {
  name: 'greet',
  ...withoutBackend,

  work(session, now) {
    notePregreet(session, now)
    decide(session, now)
  },

  clientEnded(session, now) {
    session.journal.left('greet', session.startedAt, now)
    session.conclude('hangup', now)
  },

  learnt(session, _asked, now) {
    decide(session, now)
  },

  timeout(session, now) {
    session.facts.greeted = session.facts.pregreetBytes === 0
    const verdict = session.judge()
    if (endsDialogue(verdict)) session.expel(verdict, now)
    else welcome(session, now)
  },

  drain() {
    // It has only just come; the pause is short.
  },
}

export function enterGreet(session: Session, now: Instant): void {
  session.phase = greet
  if (isShed(session)) return session.conclude('shed', now, replies.tooBusy(session.house.hostname, session.arrival.id))
  const verdict = session.judge()
  if (endsDialogue(verdict)) {
    session.expel(verdict, now)
    return
  }
  const { facts, tally, plan } = session
  if (!tally.hasPassed(plan, 'dnsbl')) session.port.ask('dnsbl')
  if (!wantsName(session)) askFor(session, 'reverse-name')
  if (verdict.action !== 'none' || facts.greetWait === 0 || mayGreet(session)) {
    welcome(session, now)
    return
  }
  // Who has sat through the pause lately waits for the lists only, and needs no teaser.
  if (!tally.hasPassed(plan, 'pregreet')) tease(session)
  session.deadline = now + facts.greetWait
}

/** Under load some of those whom nobody knows are asked to come back: they all may, and the others get through. */
const isShed = (session: Session): boolean => session.arrival.dice < session.house.load.shed && !wasKnown(session)

function decide(session: Session, now: Instant): void {
  const verdict = session.judge()
  if (endsDialogue(verdict)) session.expel(verdict, now)
  else if (verdict.action !== 'none' || mayGreet(session)) welcome(session, now)
}

function tease({ port, house, journal }: Session): void {
  journal.teased = true
  port.send(replies.teaser(house.hostname))
}

/** Greets, or lets the backend greet whom it may know already. Half a greeting cannot be taken back. */
export function welcome(session: Session, now: Instant): void {
  const { house, journal, arrival } = session
  const lets = house.connect === 'greeting' && !arrival.health && !journal.teased && isProven(session)
  if (lets) enterOpening(session, null, null, now)
  else greetNow(session, now)
}

/** The greeting is the backend's, and so is every reply from here on. */
export function passGreeting(session: Session, greeting: Reply, now: Instant): void {
  session.journal.greetedAt = now
  enterRelay(session, null, greeting, now)
}

/**
 * Whether nothing is left to wait for. The pause is the operator's `greet.wait` and no action of a check: it is held, too,
 * where `pregreet` only observes, or there would be nothing to observe.
 */
function mayGreet({ facts, plan, tally }: Session): boolean {
  const pausing = facts.pregreetBytes === 0 && !tally.hasPassed(plan, 'pregreet')
  return !pausing && isSettled('greet', plan, tally)
}

/** The greeting, or its last line; from here it is the client's turn. */
export function greetNow(session: Session, now: Instant): void {
  const { house, journal, port } = session
  const greeting = replies.greeting(house.hostname)
  if (!journal.teased && sayByLine(session, replies.teaser(house.hostname) + greeting, now, behindGreeting)) {
    journal.teased = true
    return
  }
  port.send(greeting)
  greeted(session, now)
}

const behindGreeting = { hear: notePregreet, go: greeted }

function greeted(session: Session, now: Instant): void {
  session.journal.greetedAt = now
  session.deadline = never
  enterCommand(session, now)
}
