import { type Bot, hear, politely, say, stopped, unseen } from '../animal.ts'

export const noopFlooder: Bot = {
  name: 'NOOP flooder',
  about: 'Says NOOP for as long as it is answered, to hold its place.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          ...politely('EHLO flooder.example.net'),
          ...Array.from({ length: 1_000 }, () => [say('NOOP'), hear]).flat(),
        ],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('421 to NOOP', ['commands'], 6),
    standard: stopped('left', [], 46),
    strict: stopped('left', [], 44),
  },
}
