import assert from 'node:assert/strict'
import { test } from 'node:test'
import { address4, address6, parseAddress } from '@sallyport/rules/address.js'
import { contains, formatNetwork, type Network, networkOf, parseNetwork } from '@sallyport/rules/network.js'
import fc from 'fast-check'

const network = (text: string): Network => {
  const parsed = parseNetwork(text)
  assert.ok(!('problem' in parsed), text)
  return parsed
}
const address = (text: string) => {
  const parsed = parseAddress(text)
  assert.ok(parsed !== null, text)
  return parsed
}
const problem = (text: string) => {
  const parsed = parseNetwork(text)
  return 'problem' in parsed ? parsed.problem : null
}

const word = fc.nat(0xffffffff)
const anyAddress = fc.oneof(word.map(address4), fc.tuple(word, word, word, word).map(address6))
const anyNetwork = anyAddress.chain(at => fc.nat(at.family === 4 ? 32 : 128).map(prefix => networkOf(at, prefix)))

test('networks are read, a bare address as a network of one', () => {
  const table: readonly [string, string][] = [
    ['192.0.2.1', '192.0.2.1/32'],
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['128.0.0.0/1', '128.0.0.0/1'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001:db8:0:0:8000::/65', '2001:db8:0:0:8000::/65'],
    ['::/0', '::/0'],
    ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ]
  for (const [text, expected] of table) assert.equal(formatNetwork(network(text)), expected, text)
})

test('what is no network is a problem that says what is wrong', () => {
  const table: readonly [string, RegExp][] = [
    ['', /not an IP address/],
    ['mail.example', /not an IP address/],
    ['/8', /not an IP address/],
    ['1.2.3/8', /not an IP address/],
    ['1.2.3.0/', /from 0 to 32$/],
    ['1.2.3.0/33', /from 0 to 32$/],
    ['1.2.3.0/024', /from 0 to 32$/],
    ['1.2.3.0/255.255.255.0', /from 0 to 32$/],
    ['1.2.3.0/24/24', /from 0 to 32$/],
    ['1.2.3.0/-1', /from 0 to 32$/],
    ['1.2.3.0/ 8', /from 0 to 32$/],
    ['::/129', /from 0 to 128$/],
    ['::ffff:1.2.3.0/24', /96 or more$/],
    ['192.0.2.7/24', /^192\.0\.2\.7\/24 has bits set below the prefix; the network is 192\.0\.2\.0\/24$/],
    ['::ffff:192.0.2.7/120', /the network is 192\.0\.2\.0\/24$/],
    ['2001:db8::1/32', /the network is 2001:db8::\/32$/],
    ['2001:db8::1/127', /the network is 2001:db8::\/127$/],
    ['1.2.3.4/0', /the network is 0\.0\.0\.0\/0$/],
  ]
  for (const [text, expected] of table) assert.match(problem(text) ?? '', expected, text)
})

test('a network contains its first and its last address and not their neighbours', () => {
  const table: readonly [string, readonly string[], readonly string[]][] = [
    ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255'], ['192.0.1.255', '192.0.3.0', '::192.0.2.1']],
    ['128.0.0.0/1', ['128.0.0.0', '255.255.255.255'], ['127.255.255.255']],
    ['192.0.2.1', ['192.0.2.1', '::ffff:192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::', '2001:db8::1']],
    ['::/0', ['::', 'ffff::1'], ['0.0.0.0', '::ffff:1.2.3.4']],
    ['2001:db8::/32', ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'], ['2001:db7:ffff::', '2001:db9::']],
    [
      '2001:db8:0:0:8000::/65',
      ['2001:db8:0:0:8000::', '2001:db8:0:0:ffff::1'],
      ['2001:db8::7fff:0:0:1', '2001:db8:0:1::'],
    ],
    ['2001:db8::1', ['2001:db8::1'], ['2001:db8::', '2001:db8::2']],
  ]
  for (const [text, inside, outside] of table) {
    for (const one of inside) assert.equal(contains(network(text), address(one)), true, `${one} in ${text}`)
    for (const one of outside) assert.equal(contains(network(text), address(one)), false, `${one} in ${text}`)
  }
})

test('any network: its text reads back as the same network, and it contains its own address', () => {
  fc.assert(
    fc.property(anyNetwork, one => {
      // A drawn ::ffff:0:0/96 address would read back as IPv4; parsed addresses are never of that form.
      fc.pre(one.address.family === 4 || parseAddress(one.address.text)?.family === 6)
      assert.deepEqual(parseNetwork(formatNetwork(one)), one)
      assert.equal(contains(one, one.address), true)
    }),
  )
})

test('any address and prefix: another address is in the network exactly when the leading bits agree', () => {
  const bits = (at: ReturnType<typeof address6> | ReturnType<typeof address4>) =>
    (at.family === 4 ? [at.bits] : [...at.words]).map(part => part.toString(2).padStart(32, '0')).join('')
  const flipped = fc.tuple(anyAddress, fc.nat(127), fc.nat(128)).map(([one, flip, prefix]) => {
    if (one.family === 4) return { one, other: address4(one.bits ^ (1 << (flip % 32))), prefix: prefix % 33 }
    const at = (i: number) => ((one.words[i] ?? 0) ^ (flip >> 5 === i ? 1 << (flip % 32) : 0)) >>> 0
    return { one, other: address6([at(0), at(1), at(2), at(3)]), prefix }
  })
  fc.assert(
    fc.property(flipped, ({ one, other, prefix }) => {
      const agree = bits(one).slice(0, prefix) === bits(other).slice(0, prefix)
      assert.equal(contains(networkOf(one, prefix), other), agree)
    }),
    { numRuns: 1000 },
  )
})

test('a prefix that the address has not throws', () => {
  for (const prefix of [-1, 33, 1.5, Number.NaN]) assert.throws(() => networkOf(address4(0), prefix), RangeError)
  assert.throws(() => networkOf(address6([0, 0, 0, 0]), 129), RangeError)
})
