import { type Owner, owning, undoAfter } from '../support/owner.ts'
import { startRedis } from '../support/redis.ts'
import { allParts, clientsIn, fill, kinds, rows } from '../support/redis-filling.ts'
import type { Row } from './table.ts'

/** Octets a client that the project promises. */
const promised = 150
/** So many are written, of the second kind a million in earnest; where more are remembered, as dense in fewer parts. */
const [written, inEarnest] = [50_000, 1_000_000]

/** What a remembered client takes of Redis: `used_memory` filled with clients, for each of them. */
export function memory(): Promise<Row[]> {
  return owning(measured)
}

async function measured(owner: Owner): Promise<Row[]> {
  const redis = await startRedis()
  undoAfter(owner, () => redis.stop())
  const clients = await clientsIn(owner, redis)
  const found: Row[] = []
  for (const { remembered, entries } of rows) {
    await redis.command('CONFIG', 'SET', 'hash-max-listpack-entries', entries)
    const sizes: number[] = []
    for (const [family, lesson] of kinds) {
      const isWhole = remembered === inEarnest && sizes.length === 1
      const count = isWhole ? inEarnest : written
      const parts = Math.round((allParts * count) / remembered)
      sizes.push(await fill(redis, clients, { clients: count, parts, family, lesson }))
    }
    found.push({
      what: `memory, octets a client of ${remembered}, listpack entries ${entries}`,
      value: sizes.map(size => size.toFixed(1)).join(', '),
      ratio: Math.max(...sizes) / promised,
      budget: 1,
    })
  }
  return found
}
