import { check, fail, todo } from '../check.ts'

/** RFC 5321 4.5.3.1.8 wants a hundred to be taken; what is beyond the bound is deferred, and comes in the next transaction (4.5.3.1.10). */
export const recipients = check({
  name: 'recipients',
  about: 'More recipients in one transaction than are taken at once.',
  mistakes: 'Large mailing lists; they send the rest at once in another transaction.',
  source: 'RFC 5321 4.5.3.1.8; MaxRcptPerMsg of Sendmail',
  settles: 'command',
  scope: 'recipient',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {
    most: { value: 1000, min: 100, max: 100_000, about: 'Recipients of a transaction that are taken.' },
  },
  words: { enhanced: '5.3', text: 'Too many recipients' },
  test: ({ recipientsAsked }, options) =>
    recipientsAsked > options.most ? fail(`recipient ${recipientsAsked}`) : todo,
})
