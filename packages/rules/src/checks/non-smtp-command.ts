import { check, fail, pass, todo } from '../check.ts'
import { day } from '../duration.ts'

export const nonSmtpCommand = check({
  name: 'non-smtp-command',
  about: 'The client sent what no mail client sends: an HTTP request, a header field, binary.',
  mistakes: 'Monitoring pointed at the wrong port; a client that goes on with its message after DATA was refused.',
  source: 'the non-SMTP command test of postscreen(8); the open-proxy verbs of Sendmail',
  settles: 'command',
  action: 'drop',
  again: null,
  points: 10,
  ttl: 30 * day,
  options: {},
  words: { enhanced: '7.0', text: 'This is a mail server' },
  test(facts) {
    if (facts.nonSmtpCommand !== null) return fail(facts.nonSmtpCommand)
    return facts.enveloped ? pass : todo
  },
})
