import { type Bot, hear, politely, say, stopped } from '../animal.ts'

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
  demand: {
    words: 'The backend is asked for 5 that it does not know at most, and takes nothing.',
    met: ({ unknown, messages }) => unknown <= 5 && messages === 0,
  },
  expected: {
    gentle: { fate: '550 to RCPT', by: ['harvest'], after: 6, sessions: 1, unknown: 5, messages: 0 },
    standard: stopped('450 to RCPT', ['greylist'], 14),
    strict: stopped('450 to RCPT', ['generic-name'], 27),
  },
}
