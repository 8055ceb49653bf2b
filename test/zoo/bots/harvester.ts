import { type Bot, hear, politely, say, stopped } from '../animal.ts'

const guesses = Array.from({ length: 200 }, (_, i) => say(`RCPT TO:<guess${i}@example.test>`))

export const harvester: Bot = {
  name: 'dictionary harvester',
  about: 'Asks politely for 200 addresses that nobody has, to see which are taken, and sends nothing.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          ...politely('EHLO harvester.example.net', 'MAIL FROM:<news@bank.example>'),
          ...guesses.flatMap(guess => [guess, hear]),
        ],
      },
    ],
  ],
  demand: {
    words: 'The backend, which alone knows who is unknown, is asked for 10 of the 200 at most.',
    met: ({ unknown }) => unknown <= 10,
  },
  expected: {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['greylist'], 14),
    strict: stopped('450 to RCPT', ['spf'], 27),
  },
}
