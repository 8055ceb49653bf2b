import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { AccessLists, type AccessOptions } from '@sallyport/proxy/access.js'
import {
  type Access,
  type Address,
  address4,
  address6,
  contains,
  formatNetwork,
  type Network,
  networkOf,
  parseAddress,
  parseNetwork,
} from '@sallyport/rules'
import fc from 'fast-check'

describe("the operator's lists", () => {
  let directory: string
  const logged: { level: string; fields: object }[] = []
  const log = {
    info: (fields: object) => logged.push({ level: 'info', fields }),
    warn: (fields: object) => logged.push({ level: 'warn', fields }),
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-access-'))
  })
  after(() => rm(directory, { recursive: true }))
  beforeEach(() => {
    logged.length = 0
  })

  const path = (name: string) => join(directory, name)
  const load = (options: Partial<AccessOptions>) =>
    AccessLists.load({ allow: [], deny: [], allowFiles: [], denyFiles: [], ...options }, log)

  async function file(name: string, ...lines: string[]): Promise<string> {
    await writeFile(path(name), lines.map(line => `${line}\n`).join(''))
    return path(name)
  }

  function networks(...texts: string[]): Network[] {
    return texts.map(text => {
      const network = parseNetwork(text)
      assert.ok(!('problem' in network), text)
      return network
    })
  }

  function check(lists: AccessLists, text: string): Access {
    const address = parseAddress(text)
    assert.ok(address !== null, text)
    return lists.check(address)
  }

  it('knows the networks of the configuration and of the files, and allow beats deny', async () => {
    const lists = await load({
      allow: networks('192.0.2.0/28'),
      deny: networks('192.0.2.0/24', '2001:db8::/32'),
      allowFiles: [await file('allow', '# ours', '198.51.100.7', ''), await file('allow6', '2001:db8:1::/48 # office')],
      denyFiles: [await file('deny', '198.51.100.0/24', '203.0.113.9')],
    })
    assert.deepEqual(lists.problems, [])
    assert.deepEqual(lists.entries, { allow: 3, deny: 4 })
    assert.ok(Math.abs(lists.loadedAt - Date.now() / 1000) < 10)
    for (const [text, access] of [
      ['192.0.2.15', 'allow'],
      ['192.0.2.16', 'deny'],
      ['198.51.100.7', 'allow'],
      ['198.51.100.8', 'deny'],
      ['203.0.113.9', 'deny'],
      ['203.0.113.8', 'none'],
      ['2001:db8:1::1', 'allow'],
      ['2001:db8:2::1', 'deny'],
      ['2001:db9::1', 'none'],
    ] as const) {
      assert.equal(check(lists, text), access, text)
    }
  })

  it('says file, line and reason of what is wrong at the start', async () => {
    const bad = await file('bad', '192.0.2.1', 'mail.example.com', '192.0.2.7/24')
    const long = await file('long', ...Array.from({ length: 25 }, () => 'x'))
    execFileSync('mkfifo', [path('pipe')])
    const lists = await load({ allowFiles: [bad, path('missing')], denyFiles: [long, directory, path('pipe')] })
    assert.deepEqual(lists.problems.slice(0, 3), [
      `${bad}:2: not an IP address or network: mail.example.com`,
      `${bad}:3: 192.0.2.7/24 has bits set below the prefix; the network is 192.0.2.0/24: 192.0.2.7/24`,
      `${path('missing')}: ENOENT`,
    ])
    assert.equal(lists.problems[3], `${long}:1: not an IP address or network: x`)
    assert.deepEqual(lists.problems.slice(23), [
      `${long}: and 5 more`,
      `${directory}: not a file`,
      `${path('pipe')}: not a file`,
    ])
  })

  it('reads a file again when it has changed and then rested from one look to the next', async () => {
    const deny = await file('changing', '192.0.2.1')
    const lists = await load({ denyFiles: [deny] })
    const before = lists.loadedAt
    await lists.poll()
    await appendFile(deny, '192.0.2.2\n192.0.2')
    await lists.poll()
    assert.equal(check(lists, '192.0.2.2'), 'none')
    await appendFile(deny, '.3\n')
    await lists.poll()
    assert.deepEqual([check(lists, '192.0.2.2'), check(lists, '192.0.2.3')], ['none', 'none'])
    await lists.poll()
    assert.deepEqual([check(lists, '192.0.2.2'), check(lists, '192.0.2.3')], ['deny', 'deny'])
    await lists.poll()
    assert.deepEqual(logged, [{ level: 'info', fields: { file: deny, entries: 3 } }])
    assert.ok(lists.loadedAt >= before)
    await truncate(deny)
    await lists.poll()
    await lists.poll()
    assert.equal(check(lists, '192.0.2.1'), 'none')
    assert.deepEqual(lists.entries, { allow: 0, deny: 0 })
  })

  it('takes a file that was put in the place of the old one, of the same size and time', async () => {
    const deny = await file('replaced', '192.0.2.1')
    const lists = await load({ denyFiles: [deny] })
    await file('replacement', '192.0.2.2')
    execFileSync('touch', ['-r', deny, path('replacement')])
    await rename(path('replacement'), deny)
    await lists.poll()
    await lists.poll()
    assert.deepEqual([check(lists, '192.0.2.1'), check(lists, '192.0.2.2')], ['none', 'deny'])
  })

  it('keeps the old list over a new one with a problem, and says so once for each version', async () => {
    const deny = await file('spoilt', '192.0.2.1')
    const lists = await load({ denyFiles: [deny] })
    await file('spoilt', '192.0.2.2', 'oops')
    for (let i = 0; i < 4; i++) await lists.poll()
    await rm(deny)
    for (let i = 0; i < 4; i++) await lists.poll()
    assert.deepEqual([check(lists, '192.0.2.1'), check(lists, '192.0.2.2')], ['deny', 'none'])
    assert.deepEqual(logged, [
      { level: 'warn', fields: { file: deny, problems: [`${deny}:2: not an IP address or network: oops`] } },
      { level: 'warn', fields: { file: deny, problems: [`${deny}: ENOENT`] } },
    ])
    await file('spoilt', '192.0.2.2')
    for (let i = 0; i < 2; i++) await lists.poll()
    assert.deepEqual([check(lists, '192.0.2.1'), check(lists, '192.0.2.2')], ['none', 'deny'])
  })

  it('looks at the files by itself between watch and stop', async () => {
    const deny = await file('watched', '192.0.2.1')
    const stopped = await load({ denyFiles: [deny] })
    const watching = await load({ denyFiles: [deny] })
    stopped.watch(1)
    watching.watch(1)
    await file('watched', '192.0.2.22')
    while (check(stopped, '192.0.2.22') === 'none') await turn()
    stopped.stop()
    await stopped.poll()
    await file('watched', '192.0.2.33')
    while (check(watching, '192.0.2.33') === 'none') await turn()
    watching.stop()
    for (let i = 0; i < 5; i++) await watching.poll()
    assert.equal(check(stopped, '192.0.2.33'), 'none')
  })

  it('any networks in any lists: a client is allowed or denied exactly as by walking them all', async () => {
    const word = fc.oneof(fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0x0a000000, 0x0a00ffff), fc.nat(0xffffffff))
    const addresses: fc.Arbitrary<Address> = fc.oneof(
      word.map(address4),
      fc.tuple(fc.constantFrom(0, 0x20010db8), word, word, word).map(address6),
    )
    const some = fc.array(
      addresses.chain(address => fc.nat(address.family === 4 ? 32 : 128).map(prefix => networkOf(address, prefix))),
      { maxLength: 20 },
    )
    const list = fc.record({ given: some, files: fc.array(some, { maxLength: 3 }) })
    const write = (name: string, files: readonly Network[][]) =>
      Promise.all(files.map((lines, i) => file(`${name}-${i}`, ...lines.map(formatNetwork))))
    await fc.assert(
      fc.asyncProperty(list, list, fc.array(addresses, { maxLength: 20 }), async (allow, deny, strangers) => {
        const lists = await load({
          allow: allow.given,
          deny: deny.given,
          allowFiles: await write('any-allow', allow.files),
          denyFiles: await write('any-deny', deny.files),
        })
        assert.deepEqual(lists.problems, [])
        const allowed = [...allow.given, ...allow.files.flat()]
        const denied = [...deny.given, ...deny.files.flat()]
        for (const client of [...strangers, ...[...allowed, ...denied].map(network => network.address)]) {
          const isIn = (networks: readonly Network[]) => networks.some(network => contains(network, client))
          const expected = isIn(allowed) ? 'allow' : isIn(denied) ? 'deny' : 'none'
          assert.equal(lists.check(client), expected, client.text)
        }
      }),
    )
  })
})
