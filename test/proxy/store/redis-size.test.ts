import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fieldOf } from '@sallyport/proxy/store/redis/client-record.js'
import type { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import { checks, type Lesson } from '@sallyport/rules'
import type { Undo } from '../../support/owner.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { allParts, clientsIn, type Filling, fill, kinds, lessons, memoryOf, rows } from '../../support/redis-filling.ts'

const undo: Undo[] = []
let redis: RedisServer
let clients: RedisClients
before(async () => {
  redis = await startRedis()
  clients = await clientsIn({ after: each => void undo.push(each) }, redis)
  // What Redis takes once, for its scripts.
  await fill(redis, clients, { clients: 1000, parts: 10, family: 'IPv4', lesson: lessons.passes })
})
after(async () => {
  for (const each of undo.reverse()) await each()
  await redis.stop()
})

const day = 86_400
/** So many are written; where more are remembered, as dense in fewer parts. */
const written = 30_000
const densityOf = (remembered: number) => Math.round((allParts * written) / remembered)

const table = readFileSync(new URL('../../../../docs/memory.md', import.meta.url), 'utf8')
  .split('\n')
  .map(line => line.split('|').map(cell => cell.trim()))

/** The numbers of the row of the table that begins so. */
function rowOf(title: string): readonly number[] {
  const row = table.find(([, first]) => first === title)
  assert.ok(row !== undefined, `docs/memory.md has no row ${title}`)
  return row.slice(2, -1).map(cell => Number.parseFloat(cell.replaceAll(',', '')))
}

const titleOf = ({ remembered, entries }: (typeof rows)[number]): string =>
  `${remembered.toLocaleString('en')}${entries === 128 ? '' : `, \`hash-max-listpack-entries ${entries}\``}`

for (const row of rows)
  test(`of ${titleOf(row)} clients each one takes what docs/memory.md says, and 150 octets at most`, async t => {
    await redis.command('CONFIG', 'SET', 'hash-max-listpack-entries', row.entries)
    const said = rowOf(titleOf(row))
    const parts = densityOf(row.remembered)
    const sizes: number[] = []
    for (const [family, lesson] of kinds)
      sizes.push(await fill(redis, clients, { clients: written, parts, family, lesson }))
    t.diagnostic(sizes.map(size => size.toFixed(1)).join(', '))
    for (const [i, size] of sizes.entries()) {
      assert.ok(Math.abs(size - (said[i] ?? 0)) <= 4, `column ${i}: ${size}, where ${said[i]} is said`)
      assert.ok(size <= 150, `column ${i}: ${size}`)
    }
    const [keys, expiring] = /keys=(\d+),expires=(\d+)/.exec(await redis.command('INFO', 'keyspace'))?.slice(1) ?? []
    assert.equal(keys, expiring, 'everything expires')
    // The last column is made of the one before.
    assert.ok(Math.abs(((said[2] ?? 0) * row.remembered) / 1e6 - (said[3] ?? 0)) <= 1, 'all of them')
  })

test('the worst that is so dense that its tables have just grown takes 150 octets at most, too', async t => {
  await redis.command('CONFIG', 'SET', 'hash-max-listpack-entries', 128)
  const size = await fill(redis, clients, { clients: 43_000, parts: 10, family: 'IPv6', lesson: lessons.passes })
  t.diagnostic(size.toFixed(1))
  assert.ok(size <= 150, `${size}`)
})

test('clients that it is filled with have the fields that the gate would give them', async () => {
  const filling: Filling = { clients: 300, parts: 1, family: 'IPv4', lesson: lessons.mail }
  await fill(redis, clients, filling)
  const fields = (await redis.command('HKEYS', 'sallyport:clients:0')).split('\n')
  for (const i of [0, 7, 255, 299]) assert.ok(fields.includes(fieldOf(`32.0.${i >> 8}.${i & 255}`).field), `${i}`)
  await fill(redis, clients, { ...filling, family: 'IPv6' })
  const longer = (await redis.command('HKEYS', 'sallyport:clients:0')).split('\n')
  for (const i of [0, 7, 255, 299])
    assert.ok(longer.includes(fieldOf(`2001:db8:1000:${(4096 + i).toString(16)}::/64`).field), `${i}`)
})

test('what all checks leave in the record of a client, passed and failed, each at another second, is bounded', async t => {
  await redis.command('CONFIG', 'SET', 'hash-max-listpack-entries', 128)
  const remembered = checks.filter(({ ttl }) => ttl > 0)
  const passed = Object.fromEntries(remembered.map(({ name }, i) => [name, 30 * day + i]))
  const failed = Object.fromEntries(remembered.map(({ name }, i) => [name, day + i]))
  const filling = { clients: written, parts: densityOf(1_000_000), family: 'IPv4' } as const
  const repute = lessons.mail.repute
  const few: Lesson = { passed: {}, failed, repute }
  const both: Lesson = {
    passed: Object.fromEntries(Object.entries(passed).map(([name, ttl]) => [name, ttl])),
    failed,
    repute,
  }
  for (const [title, lesson] of [
    ['that has failed all ten, each at another second', few],
    ['that has passed and failed all ten, each at another second', both],
  ] as const) {
    const size = await fill(redis, clients, { ...filling, lesson })
    t.diagnostic(`${size.toFixed(0)} octets a client ${title}`)
    const [said = 0] = rowOf(title)
    assert.ok(Math.abs(size - said) <= 5, `${title}: ${size}, where ${said} is said`)
  }
})

test('one tuple of the greylist takes what docs/memory.md says', async t => {
  await redis.command('FLUSHALL')
  const used = await memoryOf(redis)
  const count = 30_000
  for (let i = 0; i < count; i += 1000) {
    const times = { delay: 300, window: 14_400, keep: 36 * day }
    await Promise.all(Array.from({ length: 1000 }, (_, j) => clients.greylist(`${i + j}`.padStart(22, 'x'), times)))
  }
  const size = ((await memoryOf(redis)) - used) / count
  t.diagnostic(`${size.toFixed(0)} octets`)
  const [said = 0] = rowOf('one tuple of the greylist')
  assert.ok(Math.abs(size - said) <= 8, `${size}, where ${said} is said`)
})

test('a network that has a connection open takes what docs/store.md says, as long as it has', async t => {
  const caps = { perClient: 50, perNetwork: 500 }
  const comingTo = (i: number) => {
    const ipv4 = `198.${18 + (i >> 8)}.${i & 255}`
    return { network: `${ipv4}.0/24`, held: 0, comers: [{ client: `${ipv4}.1`, held: 0 }], caps }
  }
  await redis.command('FLUSHALL')
  const used = await memoryOf(redis)
  const count = 30_000
  for (let i = 0; i < count; i += 1000)
    await Promise.all(Array.from({ length: 1000 }, (_, j) => clients.enter(comingTo(i + j))))
  const size = ((await memoryOf(redis)) - used) / count
  t.diagnostic(`${size.toFixed(0)} octets`)
  const text = readFileSync(new URL('../../../../docs/store.md', import.meta.url), 'utf8')
  const said = Number(/(\d+) octets with one client/.exec(text)?.[1])
  assert.ok(Math.abs(size - said) <= 8, `${size}, where ${said} is said`)
})
