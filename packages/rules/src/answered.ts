import type { Question } from './check.ts'
import type { Facts } from './facts.ts'

/** Whether the DNS, or the store, has answered a question about a client; null: nothing was asked, or it is not told apart. */
export function wasAnswered(question: Question | null, facts: Facts): boolean | null {
  switch (question) {
    case 'dnsbl':
      return facts.dnsbl === null || facts.dnsbl.asked === 0 ? null : facts.dnsbl.failed < facts.dnsbl.asked
    case 'reverse-name':
      return facts.reverse === null ? null : facts.reverse.kind !== 'failed'
    case 'hello-name':
      return facts.helloName === null ? null : facts.helloName !== 'failed'
    case 'sender-domain':
      return facts.senderDomain === null || facts.senderDomain === 'unasked' ? null : facts.senderDomain !== 'failed'
    case 'spf':
      return facts.spf === null ? null : facts.spf.result !== 'temperror'
    case 'greylist':
    case 'rate':
    case null:
      return null
    default:
      return question satisfies never
  }
}
