import { type Bot, letter, type Visit } from '../animal.ts'

const perWave = 6
const waves = 3

const mail = (host: number): Visit => ({
  host,
  steps: letter(
    { helo: `mail${host}.offers.example`, from: `offer${host}@offers.example`, to: 'user@example.test' },
    'Replica watches',
    'As good as new.',
  ),
})

export const snowshoe: Bot = {
  name: 'snowshoe',
  about:
    'Rents a network, gives each address a good name and the right SPF, and sends from each of them once: 3 times 6 at a time. What it sends the backend refuses.',
  named: 'good',
  waves: Array.from({ length: waves }, (_, wave) =>
    Array.from({ length: perWave }, (_, i) => mail(10 + wave * perWave + i)),
  ),
  demand: {
    words: 'The backend sees the first mails, half of them at most, and takes none.',
    met: ({ sessions, messages }) => sessions <= (perWave * waves) / 2 && messages === 0,
  },
  expected: {
    gentle: { fate: '550 to the message', by: ['greylist'], after: 6, sessions: 6, unknown: 0, messages: 0 },
    standard: { fate: '550 to the message', by: ['greylist'], after: 6, sessions: 6, unknown: 0, messages: 0 },
    strict: { fate: '550 to the message', by: ['reputation'], after: 11, sessions: 6, unknown: 0, messages: 0 },
  },
}
