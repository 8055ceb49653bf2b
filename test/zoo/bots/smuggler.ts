import { type Bot, envelope, hear, politely, type Step, say } from '../animal.ts'

/** What some servers take for the end of a message, as published: the first ten by SEC Consult in 2023, and what followed. */
const ends = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r.\r',
  '\r.\r\n',
  '\r\r\n.\r\r\n',
  '\n.\r',
  '\r.\n',
  '\r\n\0.\r\n',
  '\n\n.\r\n',
] as const

const outer = { helo: 'mail10.offers.example', from: 'someone@offers.example', to: 'user@example.test' }
const inner = ['MAIL FROM:<admin@example.test>', 'RCPT TO:<other@example.test>', 'DATA']
const within = `${inner.join('\r\n')}\r\nSubject: smuggled\r\n\r\nFrom the admin.`

const smuggle = (end: string): readonly Step[] => [
  ...politely(...envelope(outer)),
  // Together, and none of them goes before all have their replies: what comes of the first session is held against the network of those who are not so far.
  { does: 'meet' },
  { does: 'say', octets: `Subject: harmless\r\n\r\ntext${end}${within}\r\n.\r\n` },
  hear,
  { does: 'meet' },
  ...[say('QUIT'), hear],
]

/** Each of its messages at its true end. */
const refused = (after: number) => ({
  ...{ fate: '550 to the message', by: ['smuggling'], after },
  ...{ sessions: ends.length, unknown: 0, messages: 0 },
})

export const smuggler: Bot = {
  name: 'smuggler',
  about: `Hides a second message, of a sender who is not its own, behind what some servers take for an end of the first: ${ends.length} variants.`,
  named: 'good',
  waves: [ends.map((end, i) => ({ host: 10 + i, steps: smuggle(end) }))],
  demand: {
    words: 'No message of it is taken.',
    met: ({ messages }) => messages === 0,
  },
  expected: {
    gentle: refused(6),
    standard: refused(6),
    strict: refused(11),
  },
}
