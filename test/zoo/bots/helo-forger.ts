import { type Bot, letter, stopped, unseen } from '../animal.ts'

const forger = (name: string, about: string, helo: string, expected: Bot['expected']): Bot => ({
  name,
  about: `${about} Its manners are good.`,
  named: 'generic',
  waves: [
    [{ host: 7, steps: letter({ helo, from: 'news@bank.example', to: 'user@example.test' }, 'Bill', 'Pay now.') }],
  ],
  demand: unseen,
  expected,
})

export const ownNameForger: Bot = forger(
  'HELO forger (our name)',
  'Says in HELO that it is the server it speaks to, which some let pass as a friend.',
  'mx.example.test',
  {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['helo-own'], 19),
    strict: stopped('550 to RCPT', ['helo-own'], 45),
  },
)

export const addressForger: Bot = forger(
  'HELO forger (bare address)',
  'Says an address in HELO without the brackets, as it has no name.',
  '203.0.113.9',
  {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['generic-name'], 15),
    strict: stopped('550 to RCPT', ['spf'], 31),
  },
)

export const localhostForger: Bot = forger(
  'HELO forger (localhost)',
  'Says `localhost` in HELO, as honest scripts do, too.',
  'localhost',
  {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['greylist'], 14),
    strict: stopped('450 to RCPT', ['spf'], 27),
  },
)
