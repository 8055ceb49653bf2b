import { openStore } from '@sallyport/proxy/store/index.js'
import { AilingRedis } from '../faults/ailing-redis.ts'
import { type Owner, owning } from '../support/owner.ts'
import { lessons } from '../support/redis-filling.ts'
import { eventually } from '../support/store-world.ts'
import { percentile, type Row } from './table.ts'

/** Clients of whom a gate has learnt while Redis was away. */
const learnt = 100_000
/** What a question may wait longer at the 99th percentile, ms. */
const budget = 5

/** How long what is learnt of a client takes to be asked for, while so many lessons are written back by another gate, and before. */
export async function writtenBack(): Promise<Row[]> {
  return [await owning(measured)]
}

async function measured(owner: Owner): Promise<Row> {
  const redis = await AilingRedis.start(owner)
  const place = { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, password: null, prefix: 'sallyport:' } as const
  const world = { log: { info() {}, warn() {} }, now: () => Math.floor(Date.now() / 1000) }
  const open = () => openStore({ ...place, commandWait: 5_000, grace: 5_000, clients: learnt }, world)
  const [gate, other] = [open(), open()]
  owner.after(() => gate.close())
  owner.after(() => other.close())
  const asked = async (isOver: () => boolean) => {
    const took: number[] = []
    for (let i = 0; !isOver(); i++) {
      const begun = performance.now()
      await other.recall(`198.18.${i & 255}.1`)
      took.push(performance.now() - begun)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    return percentile(took, 0.99)
  }
  await eventually('both are up', () => gate.health.up && other.health.up)
  const end = performance.now() + 2_000
  const before = await asked(() => performance.now() > end)
  await redis.begin('gone', 0)
  await eventually('it is gone', () => !gate.health.up)
  for (let i = 0; i < learnt; i++) gate.remember(`32.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, lessons.passes)
  await redis.end('gone')
  await eventually('it is back', () => gate.health.up && other.health.up, 20_000)
  const begun = performance.now()
  const meanwhile = await asked(() => gate.health.remembers >= learnt || performance.now() - begun > 30_000)
  const seconds = (performance.now() - begun) / 1000
  return {
    what: `written back, ${gate.health.remembers} lessons written back in ${seconds.toFixed(0)} s: a recall, p99`,
    value: `${meanwhile.toFixed(1)} ms, before ${before.toFixed(1)} ms`,
    ratio: Math.max(0, meanwhile - before) / budget,
    budget: 1,
  }
}
