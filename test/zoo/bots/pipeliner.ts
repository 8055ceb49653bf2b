import { type Bot, envelope, hear, message, say, stopped, unseen } from '../animal.ts'

const head = { helo: 'pipeliner.example.net', from: 'news@bank.example', to: 'user@example.test' }

export const pipeliner: Bot = {
  name: 'pipeliner',
  about:
    'Waits for the greeting and for nothing after it: everything else is one write, whatever EHLO would have offered.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          hear,
          say(...envelope(head), ...message('You have won', 'Call now.'), 'QUIT'),
          { does: 'listen', ms: 20_000 },
        ],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['pipelining'], 6),
    standard: stopped('450 to RCPT', ['pipelining'], 9),
    strict: stopped('450 to RCPT', ['pipelining'], 21),
  },
}
