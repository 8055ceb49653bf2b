// Who comes: of a hundred clients 75 bring mail, and 25 are bots of three kinds. Each kind has so many addresses that most of its clients
// are known after some minutes, as they are at a real gate: what is remembered has its bound elsewhere (docs/memory.md).

import type { Manner } from './client.ts'

export interface Kind {
  readonly name: 'good' | 'early' | 'web' | 'trapped'
  /** Of a hundred clients. */
  readonly share: number
  /** The first two octets of its addresses, and how many it has. */
  readonly network: string
  readonly addresses: number
  readonly manner: Manner
}

const message = `From: <sender@example.net>\r\nSubject: soak\r\n\r\n${'A line of a letter of some length.\r\n'.repeat(100)}.`

const envelope = ['EHLO mx.example.net', 'MAIL FROM:<sender@example.net>', 'RCPT TO:<user@example.test>']

export const good: Kind = {
  name: 'good',
  share: 75,
  network: '198.18',
  addresses: 1_000,
  manner: { lines: [...envelope, 'DATA', message, 'QUIT'], patience: 60_000 },
}

export const kinds: readonly Kind[] = [
  good,
  {
    name: 'early',
    share: 12,
    network: '198.19',
    addresses: 1_000,
    manner: { early: `${envelope[0]}\r\n`, lines: envelope.slice(1), patience: 60_000 },
  },
  {
    name: 'web',
    share: 10,
    network: '203.0',
    addresses: 1_000,
    manner: { early: 'GET / HTTP/1.1\r\nHost: mx.example.test\r\n\r\n', lines: [], patience: 60_000 },
  },
  { name: 'trapped', share: 3, network: '192.0', addresses: 1_000, manner: { lines: envelope, patience: 15_000 } },
]

/** Four of them share a /24 with nobody else: no cap on a network is in the way. */
export const addressOf = ({ network }: Kind, number: number): string =>
  `${network}.${Math.floor(number / 4) & 255}.${(number & 3) + 1}`

/** Which kind the next client is, by a number from 0 to 1. */
export function kindAt(throwOfDice: number): Kind {
  let below = 0
  for (const kind of kinds) {
    below += kind.share / 100
    if (throwOfDice < below) return kind
  }
  return good
}
