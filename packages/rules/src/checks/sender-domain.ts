import { check, fail, noAnswer, pass, privateAddress, todo, unknown } from '../check.ts'
import type { Facts } from '../facts.ts'

const faults: { readonly [Kind in NonNullable<Facts['senderDomain']>]?: string } = {
  none: 'neither a mail server nor an address',
  'null-mx': 'takes no mail (null MX)',
  private: 'private addresses only',
}

/** A sender to whom nothing can be returned; RFC 7505 4.2 asks that the null MX be refused. */
export const senderDomain = check({
  name: 'sender-domain',
  about: 'No mail can be sent to the domain of the sender: it has no mail server, or says that it takes no mail.',
  mistakes: 'Web servers that send under their own name, and domains whose name servers are broken for a while.',
  source: 'RFC 7505; `reject_unknown_sender_domain` of Postfix, `mail-require-mx` of smtpf',
  settles: 'command',
  scope: 'transaction',
  asks: 'sender-domain',
  action: 'observe',
  again: null,
  points: 3,
  ttl: 0,
  options: {},
  words: facts =>
    facts.senderDomain === 'null-mx'
      ? { enhanced: '7.27', text: "The sender's domain takes no mail" }
      : { enhanced: '1.8', text: "The sender's domain cannot be reached" },
  test({ sender, senderDomain: found, clientIsPrivate }) {
    if (clientIsPrivate) return privateAddress
    if (sender === '') return pass
    if (found === null) return todo
    if (found === 'failed') return noAnswer
    if (found === 'unasked') return unknown('no domain')
    const fault = faults[found]
    return fault === undefined ? pass : fail(`<${sender ?? ''}>: ${fault}`)
  },
})
