import { check, fail, pass, todo } from '../check.ts'

export const heloAddress = check({
  name: 'helo-address',
  about: 'The argument of HELO is an IP address without the brackets that make it a literal (RFC 5321 4.1.3).',
  mistakes: 'Appliances and printers that were given no name.',
  source: 'RFC 5321 4.1.3; Spam Filtering for MX (Slettnes), 2.3',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 0,
  options: {},
  words: { enhanced: '5.2', text: 'Invalid HELO name' },
  test(facts) {
    if (facts.helloClaim === 'address') return fail(`HELO ${facts.hello ?? ''}`)
    return facts.enveloped ? pass : todo
  },
})
