import { check, fail, pass, todo } from '../check.ts'

export const transactions = check({
  name: 'transactions',
  about: 'Too many messages in one session.',
  mistakes: 'Mailing lists and large providers, which keep a connection for as long as there is mail.',
  source: '`smtp_accept_max_per_connection` of Exim',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 0,
  options: {
    most: { value: 100, min: 1, max: 100_000, about: 'MAIL commands above which a client fails.' },
  },
  words: { enhanced: '7.0', text: 'Too many messages in one session', dropCode: 421 },
  test({ transactions: count, enveloped }, options) {
    if (count > options.most) return fail(`${count} transactions`)
    return enveloped ? pass : todo
  },
})
