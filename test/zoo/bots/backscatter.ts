import { type Bot, hear, politely, say, stopped, unseen } from '../animal.ts'

const recipients = ['user', 'other', ...Array.from({ length: 18 }, (_, i) => `stranger${i}`)]

export const backscatter: Bot = {
  name: 'backscatter',
  about: 'Sends what looks like a report of a failed delivery, from the null sender, to 20 recipients at once.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          ...politely('EHLO reports.example.net', 'MAIL FROM:<>'),
          ...recipients.flatMap(name => [say(`RCPT TO:<${name}@example.test>`), hear]),
          ...[say('DATA'), hear, say('QUIT'), hear],
        ],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('550 to RCPT', ['null-sender-recipients'], 6),
    standard: stopped('550 to RCPT', ['null-sender-recipients'], 6),
    strict: stopped('550 to RCPT', ['null-sender-recipients'], 10),
  },
}
