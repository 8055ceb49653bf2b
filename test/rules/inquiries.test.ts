import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type HelloName, inquireHello, inquireSender, type SenderDomain, senderDomainOf } from '@sallyport/rules'
import { askZone, type Zone } from '../support/zone.ts'

describe('the domain of a sender', () => {
  const mx = (...addresses: readonly string[]): Zone => ({
    'example.net': ['MX mx.example.net', 'A 203.0.113.9'],
    'mx.example.net': addresses,
  })
  const rows: readonly (readonly [what: string, zone: Zone, expected: SenderDomain])[] = [
    ['does not exist', {}, 'none'],
    ['has text alone', { 'example.net': ['TXT hello'] }, 'none'],
    ['has a mail server', mx('A 203.0.113.1'), 'found'],
    ['has a mail server of IPv6', mx('AAAA 2001:db8::1'), 'found'],
    ['has an address and no mail server', { 'example.net': ['A 203.0.113.1'] }, 'found'],
    ['has an IPv6 address and no mail server', { 'example.net': ['AAAA 2001:db8::1'] }, 'found'],
    ['takes no mail', { 'example.net': ['MX', 'A 203.0.113.1'] }, 'null-mx'],
    ['has a mail server that nobody knows', mx(), 'none'],
    ['has a mail server of loopback', mx('A 127.0.0.1', 'AAAA ::1'), 'private'],
    ['has mail servers of private use', mx('A 10.0.0.1', 'A 192.168.1.1', 'AAAA fd00::1'), 'private'],
    ['has mail servers of which one is not private', mx('A 10.0.0.1', 'A 203.0.113.1'), 'found'],
    ['has a private address and no mail server', { 'example.net': ['A 127.0.0.1'] }, 'private'],
    ['is not answered for', { 'example.net': ['silent'] }, 'failed'],
    ['has a mail server that is not answered for', mx('silent'), 'failed'],
    ['has a private mail server and another that is not answered for', mx('A 10.0.0.1', 'silent AAAA'), 'failed'],
    ['has a mail server, and is not answered for in full', mx('A 203.0.113.1', 'silent AAAA'), 'found'],
    ['has mail servers that are no names', { 'example.net': ['MX a..b', `MX ${'x'.repeat(64)}.net`] }, 'none'],
    [
      'has more private mail servers than are looked at',
      {
        'example.net': Array.from({ length: 6 }, (_, i) => `MX mx${i}.example.net`),
        ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`mx${i}.example.net`, ['A 10.0.0.1']])),
      },
      'failed',
    ],
  ]
  for (const [what, zone, expected] of rows) {
    test(`${what}: ${expected}`, () => assert.equal(askZone(zone, inquireSender('example.net')).found, expected))
  }
  test('is asked for without its final dot, and never when it is no name', () => {
    assert.deepEqual(askZone({}, inquireSender('example.net.')).groups[0], ['MX example.net'])
    for (const domain of ['a..b', `${'x'.repeat(64)}.net`, 'a\\b.net', '.']) {
      assert.deepEqual(askZone({}, inquireSender(domain)), { found: 'none', groups: [] }, domain)
    }
  })
  test('is what stands behind the last at sign, and no address literal', () => {
    const paths = ['', 'root', 'u@', 'u@[192.0.2.1]', 'U@Example.NET', '@a,@b:u@example.net', '"a@b"@example.net']
    assert.deepEqual(paths.map(senderDomainOf), [
      ...[null, null, null, null],
      ...['example.net', 'example.net', 'example.net'],
    ])
  })
})

describe('the name in HELO', () => {
  const rows: readonly (readonly [what: string, zone: Zone, expected: HelloName])[] = [
    ['does not exist', {}, 'none'],
    ['has an address', { 'mail.example.net': ['A 10.0.0.1'] }, 'found'],
    ['has an IPv6 address', { 'mail.example.net': ['AAAA 2001:db8::1'] }, 'found'],
    ['has a mail server', { 'mail.example.net': ['MX mx.example.net'] }, 'found'],
    ['has text alone', { 'mail.example.net': ['TXT hello'] }, 'none'],
    ['is not answered for', { 'mail.example.net': ['silent'] }, 'failed'],
    ['is not answered for in part', { 'mail.example.net': ['silent MX'] }, 'failed'],
    ['has an address, and is not answered for in part', { 'mail.example.net': ['A 10.0.0.1', 'silent MX'] }, 'found'],
  ]
  for (const [what, zone, expected] of rows) {
    test(`${what}: ${expected}`, () => assert.equal(askZone(zone, inquireHello('mail.example.net.')).found, expected))
  }
  test('is not asked for when it is none', () => {
    assert.deepEqual(askZone({}, inquireHello('a..b')), { found: 'none', groups: [] })
  })
})
