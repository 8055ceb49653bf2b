import { type Bot, envelope, heed, say, stopped, unseen, type Visit } from '../animal.ts'

const head = { helo: 'hammerer.example.net', from: 'news@bank.example', to: 'user@example.test' }

/** Each is refused, and the next begins at once. */
const visit: Visit = { host: 7, steps: [say(...envelope(head)), heed, heed, heed, heed] }

export const hammerer: Bot = {
  name: 'hammerer',
  about: 'A slammer that is back at once after each refusal, four times.',
  named: 'generic',
  waves: Array.from({ length: 4 }, () => [visit]),
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['pregreet'], 0),
    standard: stopped('450 to RCPT', ['pregreet'], 0),
    strict: stopped('450 to RCPT', ['pregreet'], 1),
  },
}
