import { type Bot, stopped, unseen } from '../animal.ts'

export const impatient: Bot = {
  name: 'impatient',
  about: 'Has a million addresses to go through, and gives nobody more than 2 s.',
  named: 'generic',
  waves: [[{ host: 7, steps: [{ does: 'wait', ms: 2_000 }] }]],
  demand: unseen,
  expected: {
    gentle: stopped('left', [], 2),
    standard: stopped('left', [], 2),
    strict: stopped('left', [], 2),
  },
}
