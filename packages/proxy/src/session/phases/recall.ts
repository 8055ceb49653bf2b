import { endsDialogue, type Instant } from '@sallyport/rules'
import { type Phase, withoutBackend } from '../phase.ts'
import type { Session } from '../session.ts'
import { isCounted, wantsName } from '../standing.ts'
import { notePregreet } from './early.ts'
import { enterGreet, greetNow, welcome } from './greet.ts'

/**
 * Do we know this client? Nothing has been said yet. The store has a fixed time to answer (50 ms); if it does not, the client
 * is a stranger, which costs an honest one six seconds, once.
 */
export const recall: Phase & { enter(session: Session, now: Instant): void } = {
  name: 'recall',
  ...withoutBackend,

  enter(session, now) {
    if (session.arrival.health) {
      session.tally.vouched = 'health check'
      greetNow(session, now)
      return
    }
    const verdict = session.judge()
    if (endsDialogue(verdict)) {
      session.expel(verdict, now)
      return
    }
    // Of everybody, those on the allow list too: the backend wants it, not our checks.
    if (wantsName(session)) session.port.ask('reverse-name')
    if (session.tally.vouched !== null) welcome(session, now)
    else {
      session.deadline = now + session.house.waits.recall
      session.port.ask('recall')
      if (isCounted(session)) session.port.ask('rate')
    }
  },

  work(session, now) {
    notePregreet(session, now)
  },

  clientEnded(session, now) {
    session.conclude('hangup', now)
  },

  learnt(session, asked, now) {
    if (asked === 'recall') enterGreet(session, now)
  },

  timeout(session, now) {
    enterGreet(session, now)
  },

  drain() {
    // It has only just come.
  },
}
