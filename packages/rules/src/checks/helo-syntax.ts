import { check, fail, pass, todo } from '../check.ts'
import { day } from '../duration.ts'

export const heloSyntax = check({
  name: 'helo-syntax',
  about: 'The HELO or EHLO argument is neither a domain name nor an address literal (RFC 5321 4.1.1.1).',
  mistakes:
    'Windows machine names with underscores and printers that say "localhost:25"; hence observed only, by default.',
  source: 'RFC 5321 4.1.1.1; `reject_invalid_helo_hostname` of Postfix',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 30 * day,
  options: {},
  words: { enhanced: '5.2', text: 'Invalid HELO name' },
  test(facts) {
    if (facts.helloMalformed) return fail(`HELO ${facts.hello ?? ''}`)
    return facts.enveloped ? pass : todo
  },
})
