import { check, fail, noAnswer, noName, pass, privateAddress, todo } from '../check.ts'

export const heloUnresolvable = check({
  name: 'helo-unresolvable',
  about: 'The name in HELO has neither an address nor a mail server in the DNS (A, AAAA, MX).',
  mistakes: 'Servers that say the name they have within their own network: of honest ones every twentieth or so.',
  source: '`reject_unknown_helo_hostname` of Postfix; ResolvableEhloHelo of James',
  settles: 'command',
  asks: 'hello-name',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {},
  words: { enhanced: '5.2', text: 'The name in HELO is not known to the DNS' },
  test(facts) {
    if (facts.clientIsPrivate) return privateAddress
    if (facts.hello === null) return todo
    if (facts.helloMalformed || facts.helloClaim !== 'name') return noName
    if (facts.helloName === null) return todo
    if (facts.helloName === 'failed') return noAnswer
    return facts.helloName === 'none' ? fail(`HELO ${facts.hello}`) : pass
  },
})
