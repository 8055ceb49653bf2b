import { check, fail, pass, todo } from '../check.ts'

export const heloRequired = check({
  name: 'helo-required',
  about: 'The client began to send without HELO or EHLO (RFC 5321 4.1.4). It hears 503 in any case.',
  mistakes: 'Scripts that speak SMTP by hand.',
  source: 'RFC 5321 4.1.4; `smtpd_helo_required` of Postfix',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 0,
  options: {},
  words: { enhanced: '5.1', text: 'Protocol error' },
  test(facts) {
    if (facts.mailBeforeHello) return fail('MAIL before HELO')
    return facts.enveloped ? pass : todo
  },
})
