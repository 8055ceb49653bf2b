import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import {
  address4,
  address6,
  clientKey,
  dnsQueryName,
  isPrivate,
  parseAddress,
  type Words6,
} from '@sallyport/rules/address.js'
import fc from 'fast-check'

const canonical = (text: string) => parseAddress(text)?.text ?? null

const address = (text: string) => {
  const parsed = parseAddress(text)
  assert.ok(parsed !== null, text)
  return parsed
}

const word = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffff0000, 0xffffffff), fc.nat(0xffffffff))
const words = fc.tuple(word, word, word, word) satisfies fc.Arbitrary<Words6>

test('addresses are read in every lawful form and written in the canonical one', () => {
  const table: readonly [string, string][] = [
    ['0.0.0.0', '0.0.0.0'],
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0001:0002:0003:0004:0005:0006:0007:0008', '1:2:3:4:5:6:7:8'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::192.0.2.1', '::c000:201'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:192.168.100.200', '192.168.100.200'],
    ['::fffe:192.0.2.1', '::fffe:c000:201'],
  ]
  for (const [text, expected] of table) assert.equal(canonical(text), expected, text)
})

test('what is not an address is null', () => {
  const wrong = [
    '',
    ' ',
    '.',
    ':',
    ':::',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '01.2.3.4',
    '1.2.3.00',
    '256.1.1.1',
    '1.2.3.999999999999',
    '0x1.2.3.4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4/32',
    '1.2.3.4:25',
    '-1.2.3.4',
    '1.2.3.4\n',
    '١.2.3.4',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:',
    ':1:2:3:4:5:6:7',
    '1::2::3',
    '12345::',
    '::g',
    '::1%eth0',
    '[::1]',
    '1:2:3:4:5:6:7::8',
    '::1:2:3:4:5:6:7:8',
    '::1.2.3',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::01.2.3.4',
    'IPv6:::1',
    '::1.2.3.4.',
    '1.2.3.4::',
    ':::1',
    '1:::2',
    '::\u{ff11}',
    '0000:0000:0000:0000:0000:ffff:192.168.100.2000',
  ]
  for (const text of wrong) assert.equal(parseAddress(text), null, JSON.stringify(text))
})

test('an address has its bits as unsigned numbers', () => {
  assert.deepEqual(parseAddress('255.0.2.1'), { family: 4, text: '255.0.2.1', bits: 0xff000201 })
  assert.deepEqual(parseAddress('fe80::ffff:ffff'), {
    family: 6,
    text: 'fe80::ffff:ffff',
    words: [0xfe800000, 0, 0, 0xffffffff],
  })
})

test('any text: it is an address here exactly when it is one to node:net, zone ids apart', () => {
  const pieces = fc.constantFrom(
    '0',
    '1',
    '9',
    '25',
    '255',
    '256',
    'f',
    'FFFF',
    '00',
    ':',
    ':',
    '::',
    '.',
    '.',
    '1.2.3.4',
    '%',
    '/',
    ' ',
  )
  const texts = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.array(pieces, { maxLength: 17 }).map(list => list.join('')),
  )
  fc.assert(
    fc.property(texts, text => {
      assert.equal(parseAddress(text) !== null, isIP(text) !== 0 && !text.includes('%') && text.length <= 45)
    }),
    { numRuns: 2000 },
  )
})

test('any IPv6 address: its text is the one of the URL standard, and reads back as the same words', () => {
  fc.assert(
    fc.property(words, parts => {
      const { text } = address6(parts)
      assert.equal(`[${text}]`, new URL(`http://[${text}]/`).hostname)
      const back = address(text)
      if (back.family === 6) assert.deepEqual(back.words, parts)
      else assert.deepEqual([0, 0, 0xffff, back.bits], parts)
    }),
  )
})

test('any IPv4 address: its text reads back as the same bits', () => {
  fc.assert(fc.property(word, bits => assert.deepEqual(parseAddress(address4(bits).text), address4(bits))))
})

test('a client is remembered by its IPv4 address or its IPv6 /64', () => {
  assert.equal(clientKey(address('192.0.2.1')), '192.0.2.1')
  assert.equal(clientKey(address('::ffff:192.0.2.1')), '192.0.2.1')
  assert.equal(clientKey(address('2001:db8:1:2:3:4:5:6')), '2001:db8:1:2::/64')
  assert.equal(clientKey(address('2001:db8::1')), '2001:db8::/64')
  assert.equal(clientKey(address('::1')), '::/64')
})

test('any two IPv6 addresses: they are one client exactly when their first 64 bits agree', () => {
  fc.assert(
    fc.property(words, words, fc.boolean(), (one, other, share) => {
      const second: Words6 = share ? [one[0], one[1], other[2], other[3]] : other
      const same = one[0] === second[0] && one[1] === second[1]
      assert.equal(clientKey(address6(one)) === clientKey(address6(second)), same)
    }),
  )
})

test('the query name is the address reversed (RFC 5782)', () => {
  assert.equal(dnsQueryName(address('192.0.2.1')), '1.2.0.192')
  // The example of RFC 5782 2.4.
  assert.equal(
    dnsQueryName(address('2001:db8:1:2:3:4:567:89ab')),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2',
  )
})

test('private addresses, each block by its edges', () => {
  const inside = [
    '0.0.0.0',
    '0.255.255.255',
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.0',
    '127.255.255.255',
    '169.254.0.0',
    '169.254.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    '::ffff:10.1.2.3',
    '::',
    '::1',
    'fc00::',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe80::',
    'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ]
  const outside = [
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '255.255.255.255',
    '8.8.8.8',
    '::2',
    '::1:0:0:1',
    '1::',
    'fbff:ffff::',
    'fe00::',
    'fe7f:ffff::',
    'fec0::',
    '2001:db8::1',
  ]
  for (const text of inside) assert.equal(isPrivate(address(text)), true, text)
  for (const text of outside) assert.equal(isPrivate(address(text)), false, text)
})
