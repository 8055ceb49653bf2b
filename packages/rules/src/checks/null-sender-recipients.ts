import { check, fail, pass, todo } from '../check.ts'

export const nullSenderRecipients = check({
  name: 'null-sender-recipients',
  about: 'Several recipients under the null sender, where a report goes back to one (RFC 3464, RFC 5321 4.5.5).',
  mistakes: 'Some servers that ask whether addresses exist; vacation messages of groupware to all who wrote.',
  source: 'RFC 5321 4.5.5; one recipient for each null sender in smtpf',
  settles: 'command',
  scope: 'transaction',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 0,
  options: {
    recipients: { value: 2, min: 2, max: 1000, about: 'Recipients in one transaction from which a client fails.' },
  },
  words: { enhanced: '5.3', text: 'Too many recipients for the null sender' },
  test({ sender, recipientsAsked, enveloped }, options) {
    if (sender === '' && recipientsAsked >= options.recipients) return fail(`${recipientsAsked} recipients`)
    return enveloped ? pass : todo
  },
})
