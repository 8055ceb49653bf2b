import { type Bot, hear, politely, type Sighting, say } from '../animal.ts'

const guesses = Array.from({ length: 200 }, (_, i) => say(`RCPT TO:<guess${i}@example.test>`))

const caught = (after: number): Sighting => ({
  ...{ fate: '550 to RCPT', by: ['harvest'], after },
  ...{ sessions: 1, unknown: 5, messages: 0 },
})

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
  expected: { gentle: caught(6), standard: caught(6), strict: caught(10) },
}
