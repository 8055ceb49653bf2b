import { genericSign } from '@sallyport/rules'
import type { Answer } from './port.ts'
import { recollect, recollectBlock } from './recollection.ts'
import type { Session } from './session.ts'
import { planFor } from './standing.ts'

/** Makes facts of an answer. False: it is about something that the client has taken back since, and nothing has become known. */
export function note(session: Session, answer: Answer): boolean {
  const { facts, arrival } = session
  switch (answer.ask) {
    case 'recall':
    case 'identity':
      recollect(session, answer)
      return true
    case 'block':
      return recollectBlock(session, answer)
    case 'dnsbl':
      facts.dnsbl = answer.finding
      return true
    case 'reverse-name':
      facts.reverse = answer.name
      if ('name' in answer.name) facts.genericSign = genericSign(answer.name.name, arrival.client)
      session.plan = planFor(session, null)
      return true
    case 'hello-name':
      if (answer.hello !== facts.hello) return false
      facts.helloName = answer.found
      return true
    case 'sender-domain':
      if (answer.sender !== facts.sender) return false
      facts.senderDomain = answer.found
      return true
    case 'spf':
      if (answer.sender !== facts.sender || answer.hello !== (facts.hello ?? '')) return false
      facts.spf = answer.finding
      return true
    case 'rate':
      facts.rate = { over: answer.over }
      return true
    case 'greylist': {
      const { recipient } = facts
      if (recipient?.grey?.tuple !== answer.tuple) return false
      if ((answer.wait ?? 0) > 0) session.journal.greylisted++
      facts.recipient = { ...recipient, grey: { ...recipient.grey, wait: answer.wait } }
      return true
    }
    default:
      return answer satisfies never
  }
}
