import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AccessLists } from '@sallyport/proxy/access.js'
import { type Address, address4, address6, parseAddress } from '@sallyport/rules'
import { best } from '../support/best.ts'

const samples = [
  {
    family: 'IPv4',
    count: 1_000_000,
    line: (i: number) => `${10 + (i >>> 18)}.${(i >>> 10) & 255}.${(i >>> 2) & 255}.${(i & 3) * 64}/30`,
    // And 256 KiB for the index.
    octets: 5 * 1_000_000 + 2 ** 18,
  },
  {
    family: 'IPv6',
    count: 200_000,
    line: (i: number) => `2001:db8:${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)}::/64`,
    octets: 17.125 * 200_000,
  },
] as const

describe('a long list', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-access-'))
  })
  after(() => rm(directory, { recursive: true }))

  const load = (denyFiles: readonly string[]) =>
    AccessLists.load({ allow: [], deny: [], allowFiles: [], denyFiles }, { info: () => {}, warn: () => {} })

  for (const { family, count, line, octets } of samples) {
    it(`of ${count} ${family} lines does not hold up the event loop, is small, and looks up like a short one`, async t => {
      // In an order that is not sorted: 7919 and the number of lines have no common divisor.
      const lines = Array.from({ length: count }, (_, i) => line((i * 7919) % count))
      const file = join(directory, family)
      await writeFile(file, lines.join('\n'))
      const { lists, held, share } = await bestLoad(() => load([file]))
      assert.deepEqual(lists.problems, [])
      assert.deepEqual(lists.entries, { allow: 0, deny: count })

      const short = join(directory, `${family}-short`)
      await writeFile(short, lines.slice(0, 1000).join('\n'))
      const clients = lines.slice(0, 20_000).map(clientOf)
      const inShort = await load([short])
      assert.ok(clients.every((client, i) => inShort.check(client) === (i < 1000 ? 'deny' : 'none')))
      assert.ok(clients.every(client => lists.check(client) === 'deny'))
      const looks = () => [
        best(() => clients.every(client => lists.check(client) !== 'none')),
        best(() => clients.every(client => inShort.check(client) !== 'allow')),
      ]
      let [look = 0, lookInShort = 0] = looks()
      // The long list is more than the processor's caches hold beside what others do with them: it is given other moments.
      for (let again = 0; again < 20 && look > 10 * lookInShort; again++) {
        await sleep(250)
        ;[look = 0, lookInShort = 0] = looks()
      }

      const nanoseconds = (time: number) => `${((time / clients.length) * 1e6).toFixed(0)} ns`
      t.diagnostic(
        `event loop held ${held.toFixed(1)} ms at most; a look-up ${nanoseconds(look)}, in a short list ${nanoseconds(lookInShort)}`,
      )
      // In one go it would be held all the time. Alone on its processor this is 2 to 8 ms; the rest is room for a busy machine.
      assert.ok(share < 1 / 4, `held for ${held} ms, ${share} of the time`)
      assert.ok(lists.bytes <= octets + 1000, `${lists.bytes} octets`)
      assert.ok(look <= 10 * lookInShort, `${look} ms in the long list, ${lookInShort} ms in the short one`)
    })
  }
})

/** An address within the network, but not its first. */
function clientOf(network: string): Address {
  const address = parseAddress(network.replace(/\/.*/, ''))
  assert.ok(address !== null, network)
  return address.family === 4 ? address4(address.bits + 1) : address6([address.words[0], address.words[1], 1, 1])
}

/** Loads some times; the shortest of the longest times for which the event loop was held. */
async function bestLoad(
  load: () => Promise<AccessLists>,
): Promise<{ readonly lists: AccessLists; readonly held: number; readonly share: number }> {
  let shortest: { lists: AccessLists; held: number; share: number } | null = null
  for (let i = 0; i < 3; i++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const started = performance.now()
    delay.enable()
    const lists = await load()
    delay.disable()
    const held = delay.max / 1e6
    if (shortest === null || held < shortest.held)
      shortest = { lists, held, share: held / (performance.now() - started) }
  }
  assert.ok(shortest !== null)
  return shortest
}
