import { type Bot, letter, stopped, unseen } from '../animal.ts'

const head = { helo: 'dsl.pool.example', from: 'news@bank.example', to: 'user@example.test' }

export const greylistIgnorer: Bot = {
  name: 'greylist ignorer',
  about: 'A customer line that sends in the name of a bank, with good manners, and never comes a second time.',
  named: 'generic',
  waves: [[{ host: 7, steps: letter(head, 'Your account', 'Confirm it.') }]],
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['greylist'], 14),
    strict: stopped('450 to RCPT', ['spf'], 27),
  },
}
