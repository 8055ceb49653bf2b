import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { AccessLists } from '@sallyport/proxy/access.js'
import { type Address, address4, address6, formatNetwork, type Network, networkOf } from '@sallyport/rules'
import type { Row } from './table.ts'

const count = 1_000_000

/** The same numbers every time: a linear congruence (Numerical Recipes). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
}

/** Networks in no order, few of which are nested, so that nearly all must be kept. */
interface Sample {
  readonly family: string
  network(next: () => number, line: number): Network
  stranger(next: () => number): Address
}

const samples: readonly Sample[] = [
  {
    family: 'IPv4',
    // 70 % /32, 30 % /24.
    network: (next, line) => networkOf(address4(next()), line % 10 < 7 ? 32 : 24),
    stranger: next => address4(next()),
  },
  {
    family: 'IPv6',
    // /64, /56 and /128 of one provider's /24.
    network: (next, line) =>
      networkOf(address6([0x2a000000 + (next() >>> 8), next(), next(), next()]), [64, 56, 128][line % 3] ?? 64),
    stranger: next => address6([0x2a000000 + (next() >>> 8), next(), next(), next()]),
  },
]

/** What the gate does with a deny file of 1,000,000 networks: read it while it does other things, keep it, look clients up. */
export async function lists(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
  try {
    const rows: Row[] = []
    for (const sample of samples) rows.push(...(await measure(sample, join(directory, sample.family))))
    return rows
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function measure(sample: Sample, file: string): Promise<Row[]> {
  const clients: Address[] = []
  // Not made as one text: the garbage of it would be collected while the gate's own work is measured.
  await writeFile(file, linesOf(sample, clients))

  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const begin = performance.now()
  const access = await AccessLists.load({ allow: [], deny: [], allowFiles: [], denyFiles: [file] }, silent)
  const seconds = (performance.now() - begin) / 1000
  delay.disable()
  if (access.problems.length > 0) throw new Error(access.problems.join('\n'))

  const denied = () => clients.reduce((sum, client) => sum + Number(access.check(client) === 'deny'), 0)
  if (denied() < clients.length / 2) throw new Error('clients that are listed are not denied')
  let each = Number.POSITIVE_INFINITY
  for (let round = 0; round < 15; round++) {
    const from = performance.now()
    denied()
    each = Math.min(each, ((performance.now() - from) / clients.length) * 1e6)
  }
  const { family } = sample
  const what = (figure: string) => `${count.toLocaleString('en')} lines of ${family}: ${figure}`
  const { bytes, entries } = access
  return [
    { what: what('load'), value: `${seconds.toFixed(2)} s` },
    { what: what('longest hold of the event loop'), value: `${(delay.max / 1e6).toFixed(1)} ms` },
    { what: what('one look-up'), value: `${each.toFixed(0)} ns`, ratio: each / 1000, budget: 1 },
    {
      what: what(`memory of the ${entries.deny.toLocaleString('en')} kept`),
      value: `${(bytes / 1e6).toFixed(1)} MB`,
      // IPv6 networks have four times the bits.
      ...(family === 'IPv4' && { ratio: bytes / 16e6, budget: 1 }),
    },
  ]
}

/** The lines of the file, in pieces; on the way notes 20,000 clients, half of them listed. */
function* linesOf({ network, stranger }: Sample, clients: Address[]): Generator<string> {
  const next = numbers(1)
  for (let piece = 0; piece < count / 100; piece++) {
    const networks = Array.from({ length: 100 }, (_, line) => network(next, line))
    clients.push(...networks.slice(0, 1).map(listed => listed.address), stranger(next))
    yield networks.map(listed => `${formatNetwork(listed)}\n`).join('')
  }
}

const silent = { info: () => {}, warn: () => {} }
