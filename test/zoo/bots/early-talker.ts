import { type Bot, heed, letter, say, stopped, unseen } from '../animal.ts'

const head = { helo: 'early.example.net', from: 'news@bank.example', to: 'user@example.test' }

export const earlyTalker: Bot = {
  name: 'early talker',
  about: 'Takes the first line of the greeting for the whole of it, and speaks in the pause behind it.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        // The greeting and the reply to its EHLO come before what a letter begins with.
        steps: [{ does: 'line' }, say(`EHLO ${head.helo}`), heed, ...letter(head, 'You have won', 'Call now.')],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['pregreet'], 0),
    standard: stopped('450 to RCPT', ['pregreet'], 14),
    strict: stopped('450 to RCPT', ['pregreet'], 26),
  },
}
