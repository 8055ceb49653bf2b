import { check, fail, noAnswer, pass, privateAddress, todo } from '../check.ts'
import { day } from '../duration.ts'

export const noReverseName = check({
  name: 'no-reverse-name',
  about: "The client's address has no name in the DNS (PTR).",
  mistakes: 'Small servers whose provider gives no name, and networks whose name servers are broken for a while.',
  source: 'RFC 1912 2.1; `require_rdns` of Sendmail',
  settles: 'command',
  asks: 'reverse-name',
  action: 'observe',
  again: null,
  points: 2,
  ttl: day,
  options: {},
  words: { enhanced: '7.25', text: 'Your address has no name in the DNS' },
  test({ reverse, clientIsPrivate }) {
    if (clientIsPrivate) return privateAddress
    if (reverse === null) return todo
    if (reverse.kind === 'failed') return noAnswer
    return reverse.kind === 'none' ? fail('no name') : pass
  },
})
