import type { Answer } from './port.ts'
import type { Session } from './session.ts'
import { planFor } from './standing.ts'

/** Notes what somebody who was asked has answered. */
export function note(session: Session, answer: Answer): void {
  const { facts, tally } = session
  switch (answer.ask) {
    case 'recall':
      return tally.recall(session.plan, answer.passed, answer.failed)
    case 'dnsbl':
      facts.dnsbl = answer.finding
      return
    case 'reverse-name':
      facts.reverse = answer.name
      session.plan = planFor(session, null)
      return
    default:
      answer satisfies never
  }
}
