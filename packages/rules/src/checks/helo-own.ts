import { check, fail, pass, privateAddress, todo } from '../check.ts'

export const heloOwn = check({
  name: 'helo-own',
  about: 'The client says in HELO that it is us: our name, our address, or one of the domains whose mail comes here.',
  mistakes:
    "The operator's own machines at another provider that use the domain for a name: put them on the allow list. Private addresses are never meant.",
  source: 'Spam Filtering for MX (Slettnes), 2.3; `block_bad_helo` of Sendmail',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 5,
  ttl: 0,
  options: {},
  words: { enhanced: '7.1', text: 'Invalid HELO name' },
  test(facts) {
    // The operator's own machines may well say so.
    if (facts.helloClaim === 'own') {
      return facts.clientIsPrivate ? privateAddress : fail(`HELO ${facts.hello ?? ''}`)
    }
    return facts.enveloped ? pass : todo
  },
})
