import { check, fail, noAnswer, noName, pass, privateAddress, todo } from '../check.ts'
import { day } from '../duration.ts'

export const reverseMismatch = check({
  name: 'reverse-mismatch',
  about: 'The name of the client in the DNS (PTR) is not confirmed: it does not have the address (A, AAAA).',
  mistakes: 'Servers that were moved or renamed in one half of the DNS; IPv6 addresses of which only the name is kept.',
  source: 'RFC 1912 2.1; `reject_unknown_client_hostname` of Postfix',
  settles: 'command',
  asks: 'reverse-name',
  action: 'observe',
  again: null,
  points: 1,
  ttl: day,
  options: {},
  words: { enhanced: '7.25', text: 'The name of your address is not confirmed by the DNS' },
  test({ reverse, clientIsPrivate }) {
    if (clientIsPrivate) return privateAddress
    if (reverse === null) return todo
    if (reverse.kind === 'failed') return noAnswer
    if (reverse.kind === 'none') return noName
    return reverse.kind === 'mismatch' ? fail(`${reverse.name} has another address`) : pass
  },
})
