import { type Address, NetworkSetBuilder, parseAddress, parseNetwork } from '@sallyport/rules'
import type { Row } from './table.ts'

/** The same numbers every time: a linear congruence (Numerical Recipes). */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state
  }
}

const dotted = (bits: number) => [24, 16, 8, 0].map(shift => (bits >>> shift) & 255).join('.')

/** 1,000,000 networks (60 % /32, 30 % /24, 7 % /22, 3 % /16): build, look up, memory. */
export function lists(): Row[] {
  const random = numbers(1)
  const builder = new NetworkSetBuilder()
  for (let i = 0; i < 1_000_000; i++) {
    const part = i % 100
    const prefix = part < 60 ? 32 : part < 90 ? 24 : part < 97 ? 22 : 16
    const bits = (random.next().value & (prefix === 32 ? -1 : ~((1 << (32 - prefix)) - 1))) >>> 0
    const network = parseNetwork(`${dotted(bits)}/${prefix}`)
    if ('problem' in network) throw new Error(network.problem)
    builder.add(network)
  }
  const begin = performance.now()
  const set = builder.build()
  const built = performance.now() - begin
  const clients = Array.from({ length: 100_000 }, () => parseAddress(dotted(random.next().value)) as Address)
  let hits = 0
  for (const client of clients) hits += Number(set.has(client))
  const from = performance.now()
  for (const client of clients) hits += Number(set.has(client))
  const each = ((performance.now() - from) / clients.length) * 1e6
  if (hits === 0) throw new Error('no client is on the lists')
  return [
    { what: '1,000,000 networks, build', value: `${built.toFixed(0)} ms`, ratio: built / 2000, budget: 1 },
    { what: '1,000,000 networks, one look-up', value: `${each.toFixed(0)} ns`, ratio: each / 1000, budget: 1 },
    {
      what: '1,000,000 networks, memory',
      value: `${(set.bytes / 1e6).toFixed(1)} MB`,
      ratio: set.bytes / 16e6,
      budget: 1,
    },
  ]
}
