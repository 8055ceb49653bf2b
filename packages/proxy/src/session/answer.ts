import type { Answer } from './port.ts'
import { recollect } from './recollection.ts'
import type { Session } from './session.ts'
import { planFor } from './standing.ts'

/** Makes facts of an answer. False: it is about something that the client has taken back since, and nothing has become known. */
export function noteAnswer(session: Session, answer: Answer): boolean {
  const { facts } = session
  switch (answer.ask) {
    case 'recall':
    case 'identity':
      recollect(session, answer)
      return true
    case 'dnsbl':
      facts.dnsbl = answer.finding
      return true
    case 'reverse-name':
      facts.reverse = answer.name
      session.plan = planFor(session, null)
      return true
    case 'greylist': {
      const { recipient } = facts
      if (recipient?.grey?.tuple !== answer.tuple) return false
      facts.recipient = { ...recipient, grey: { tuple: answer.tuple, wait: answer.wait } }
      return true
    }
    default:
      return answer satisfies never
  }
}
