import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Address, address4, address6, parseAddress } from '@sallyport/rules/address.js'
import { contains, type Network, networkOf, parseNetwork } from '@sallyport/rules/network.js'
import { NetworkSet, NetworkSetBuilder } from '@sallyport/rules/network-set.js'
import fc from 'fast-check'
import { best } from '../support/best.ts'

const setOf = (...texts: string[]) =>
  NetworkSet.of(
    texts.map(text => {
      const network = parseNetwork(text)
      assert.ok(!('problem' in network), text)
      return network
    }),
  )
const has = (set: NetworkSet, text: string) => {
  const address = parseAddress(text)
  assert.ok(address !== null, text)
  return set.has(address)
}

test('an empty set has nothing', () => {
  const set = setOf()
  assert.deepEqual(
    [set.size, has(set, '0.0.0.0'), has(set, '255.255.255.255'), has(set, '::')],
    [0, false, false, false],
  )
})

test('the edges of networks, of either family and of any prefix', () => {
  const set = setOf(
    '10.0.0.0/8',
    '192.0.2.7',
    '255.255.255.255',
    '2001:db8::/32',
    '2001:db9::1',
    'fd00:0:0:0:8000::/65',
  )
  const inside = [
    '10.0.0.0',
    '10.255.255.255',
    '192.0.2.7',
    '255.255.255.255',
    '2001:db8::',
    '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
  ]
  const more = ['2001:db9::1', 'fd00::8000:0:0:0', 'fd00::ffff:ffff:ffff:ffff', '::ffff:192.0.2.7']
  const outside = [
    '9.255.255.255',
    '11.0.0.0',
    '192.0.2.6',
    '192.0.2.8',
    '255.255.255.254',
    '0.0.0.0',
    '::',
    '2001:db7:ffff::',
  ]
  const others = ['2001:db9::', '2001:db9::2', 'fd00::7fff:ffff:ffff:ffff', 'fd00:0:0:1::', '::a00:1', 'ffff::']
  for (const text of [...inside, ...more]) assert.equal(has(set, text), true, text)
  for (const text of [...outside, ...others]) assert.equal(has(set, text), false, text)
})

test('the whole of a family is that family only', () => {
  const four = setOf('0.0.0.0/0', '1.2.3.4')
  assert.deepEqual(
    [four.size, has(four, '0.0.0.0'), has(four, '255.255.255.255'), has(four, '::1')],
    [1, true, true, false],
  )
  const six = setOf('::/0', '2001:db8::/32')
  assert.deepEqual([six.size, has(six, '::'), has(six, 'ffff::'), has(six, '0.0.0.1')], [1, true, true, false])
})

test('IPv6 networks that differ in their last bits only', () => {
  const set = setOf('2001:db8::9', '2001:db8::1', '2001:db8::5', '2001:db8::c/126', '2001:db8::3')
  const found = Array.from({ length: 18 }, (_, host) => host).filter(host => has(set, `2001:db8::${host.toString(16)}`))
  assert.deepEqual(found, [1, 3, 5, 9, 12, 13, 14, 15])
})

test('doubles and nested networks take no room', () => {
  const set = setOf(
    '10.1.0.0/16',
    '10.0.0.0/8',
    '10.0.0.0/8',
    '10.0.0.0/24',
    '10.255.255.255',
    '11.0.0.0',
    '2001:db8::1',
    '2001:db8::/32',
  )
  assert.equal(set.size, 3)
})

/** Addresses and networks of a few crowded places, so that they meet. */
const word = fc.oneof(fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0x0a000000, 0x0a00ffff), fc.nat(0xffffffff))
const addresses: fc.Arbitrary<Address> = fc.oneof(
  word.map(address4),
  fc.tuple(fc.constantFrom(0, 0x20010db8, 0xffffffff), word, word, word).map(address6),
)
const networks = addresses.chain(at => fc.nat(at.family === 4 ? 32 : 128).map(prefix => networkOf(at, prefix)))

/** Addresses that lie near the edges of the network. */
function around({ address }: Network): Address[] {
  if (address.family === 4) return [-1, 0, 1, 0xff, 0x100].map(step => address4((address.bits + step) >>> 0))
  const [a, b, c, d] = address.words
  return [-1, 0, 1].flatMap(step => [
    address6([a, b, c, (d + step) >>> 0]),
    address6([a, b, (c + step) >>> 0, d]),
    address6([a, (b + step) >>> 0, c, d]),
  ])
}

test('any networks and any address: the set has the address exactly when one of the networks contains it', () => {
  fc.assert(
    fc.property(fc.array(networks, { maxLength: 40 }), fc.array(addresses, { maxLength: 20 }), (list, more) => {
      const set = NetworkSet.of(list)
      for (const address of [...more, ...list.flatMap(around)]) {
        const expected = list.some(network => contains(network, address))
        assert.equal(set.has(address), expected, address.text)
      }
    }),
    { numRuns: 300 },
  )
})

/** xorshift32: the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

test('some thousand networks: any address near them is found exactly as by walking the list', () => {
  const next = numbers(7)
  const list = Array.from({ length: 3000 }, (_, i) =>
    networkOf(address4(next()), i % 50 === 0 ? 12 : 20 + (next() % 13)),
  )
  const set = NetworkSet.of(list)
  let found = 0
  for (const address of [
    ...list.slice(0, 300).flatMap(around),
    ...Array.from({ length: 1000 }, () => address4(next())),
  ]) {
    const expected = list.some(network => contains(network, address))
    assert.equal(set.has(address), expected, address.text)
    if (expected) found++
  }
  assert.ok(found > 500)
})

function* million(): Generator<Network> {
  const next = numbers(11)
  for (let i = 0; i < 1_000_000; i++) {
    const share = next() % 100
    yield networkOf(address4(next()), share < 60 ? 32 : share < 90 ? 24 : share < 97 ? 22 : 16)
  }
}

test('a million networks: 5 octets each and the index; a look-up costs much like that of a small Map', () => {
  const set = NetworkSet.of(million())
  assert.ok(set.size > 500_000)
  assert.equal(set.bytes, 5 * set.size + 4 * (2 ** 16 + 1))

  const next = numbers(13)
  const asked = Array.from({ length: 50_000 }, () => address4(next()))
  const map = new Map(Array.from({ length: 1000 }, (_, i) => [i, i % 3 === 0]))
  let hits = 0
  const inSet = best(() => {
    for (const address of asked) if (set.has(address)) hits++
  })
  const inMap = best(() => {
    for (const address of asked) if (map.get(address.bits % 1000) === true) hits++
  })
  assert.ok(hits > 0)
  assert.ok(inSet <= 10 * inMap, `${inSet} ms in the set, ${inMap} ms in the Map`)
})

/** IPv6 addresses of which many begin alike: in the first half of the address, in nearly all of it, or hardly at all. */
const crowds: readonly (readonly [what: string, address: (next: () => number) => Address])[] = [
  ['of one /96', next => address6([0x20010db8, 0, 0, next()])],
  ['of one /32', next => address6([0x20010db8, next(), next(), next()])],
  ['of a few /64', next => address6([0x20010db8, next() % 3, next(), next()])],
  ['of anywhere', next => address6([next(), next(), next(), next()])],
]
for (const [what, address] of crowds) {
  test(`some thousand IPv6 networks ${what}: any address near them is found exactly as by walking the list`, () => {
    const next = numbers(17)
    const list = Array.from({ length: 2000 }, () => networkOf(address(next), 100 + (next() % 29)))
    list.push(...Array.from({ length: 20 }, () => networkOf(address(next), 60)))
    const set = NetworkSet.of(list)
    let found = 0
    for (const asked of [...list.slice(-300).flatMap(around), ...Array.from({ length: 300 }, () => address(next))]) {
      const expected = list.some(network => contains(network, asked))
      assert.equal(set.has(asked), expected, asked.text)
      if (expected) found++
    }
    assert.ok(found > 500)
  })
}

test('a long list is put in order in many steps', () => {
  const builder = new NetworkSetBuilder()
  const next = numbers(19)
  for (let i = 0; i < 200_000; i++) builder.add(networkOf(address4(next()), 32))
  const count = Array.from(builder.build()).length
  assert.ok(count > 50, `${count} steps`)
})

test('IPv6 networks take 17 octets each, and the marks an eighth of an octet', () => {
  const list = Array.from({ length: 6400 }, (_, i) => networkOf(address6([0x20010db8, i, 0, 0]), 64))
  assert.equal(NetworkSet.of(list).bytes - setOf().bytes, 6400 * 17 + 800)
})
