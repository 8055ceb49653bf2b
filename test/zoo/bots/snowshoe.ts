import { type Bot, letter, type Sighting, type Visit } from '../animal.ts'

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

const caught = (fate: string, after: number): Sighting => ({
  ...{ fate, by: ['reputation'], after },
  ...{ sessions: perWave, unknown: 0, messages: 0 },
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
    gentle: caught('550 to the message', 6),
    standard: caught('550 to the message', 6),
    strict: caught('550 to the message', 10),
  },
}
