import { check, fail, noAnswer, noName, pass, privateAddress, todo } from '../check.ts'
import { day } from '../duration.ts'

export const genericName = check({
  name: 'generic-name',
  about:
    "The client's name in the DNS is as networks number their customers: its address in it, or a word such as dhcp.",
  mistakes:
    'Rented servers that keep the name they came with. Names with mail, smtp, mx or static in them are excused.',
  source: 'Spam Filtering for MX (Slettnes), 2.2',
  settles: 'command',
  asks: 'reverse-name',
  action: 'observe',
  again: null,
  points: 2,
  ttl: day,
  options: {},
  words: { enhanced: '7.25', text: 'Your address has the name of a customer line' },
  test({ reverse, genericSign, clientIsPrivate }) {
    if (clientIsPrivate) return privateAddress
    if (reverse === null) return todo
    if (reverse.kind === 'failed') return noAnswer
    if (reverse.kind === 'none') return noName
    return genericSign === null ? pass : fail(`${genericSign} in ${reverse.name}`)
  },
})
