import { type Bot, letter, stopped, unseen } from '../animal.ts'

const waves = (helo: string): Bot['waves'] => [
  [{ host: 7, steps: letter({ helo, from: 'news@bank.example', to: 'user@example.test' }, 'Bill', 'Pay now.') }],
]

export const ownNameForger: Bot = {
  name: 'HELO forger (our name)',
  about: 'Says in HELO that it is the server it speaks to, which some let pass as a friend. Its manners are good.',
  named: 'generic',
  waves: waves('mx.example.test'),
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['helo-own'], 19),
    strict: stopped('550 to RCPT', ['helo-own'], 45),
  },
}

export const addressForger: Bot = {
  name: 'HELO forger (bare address)',
  about: 'Says an address in HELO without the brackets, as it has no name. Its manners are good.',
  named: 'generic',
  waves: waves('203.0.113.9'),
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['generic-name'], 15),
    strict: stopped('550 to RCPT', ['spf'], 31),
  },
}

export const localhostForger: Bot = {
  name: 'HELO forger (localhost)',
  about: 'Says `localhost` in HELO, as honest scripts do, too. Its manners are good.',
  named: 'generic',
  waves: waves('localhost'),
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['greylist'], 6),
    standard: stopped('450 to RCPT', ['greylist'], 14),
    strict: stopped('450 to RCPT', ['spf'], 27),
  },
}
