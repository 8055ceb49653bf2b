import { type Bot, envelope, message, say, stopped, unseen } from '../animal.ts'

const head = { helo: 'slammer.example.net', from: 'news@bank.example', to: 'user@example.test' }

export const slammer: Bot = {
  name: 'slammer',
  about: 'Writes the whole dialogue and the message as soon as it is connected, and reads nothing before.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          say(...envelope(head), ...message('You have won', 'Call now.'), 'QUIT'),
          { does: 'listen', ms: 20_000 },
        ],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['pregreet'], 0),
    standard: stopped('450 to RCPT', ['pregreet'], 0),
    strict: stopped('450 to RCPT', ['pregreet'], 1),
  },
}
