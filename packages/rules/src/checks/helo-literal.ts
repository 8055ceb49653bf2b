import { check, fail, pass, privateAddress, todo } from '../check.ts'

export const heloLiteral = check({
  name: 'helo-literal',
  about: "The argument of HELO is an address literal, and not of the client's address.",
  mistakes: 'Mail programs behind address translation, which know only the address within: let those log in.',
  source: 'RFC 5321 4.1.3',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 0,
  options: {},
  words: { enhanced: '5.2', text: 'Invalid HELO name' },
  test(facts) {
    if (facts.helloClaim === 'foreign') {
      return facts.clientIsPrivate ? privateAddress : fail(`HELO ${facts.hello ?? ''}`)
    }
    return facts.enveloped ? pass : todo
  },
})
