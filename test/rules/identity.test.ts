import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Address,
  formatNetwork,
  identitiesOf,
  nameIdentity,
  networkKey,
  networkOf,
  parseAddress,
  type SpfFinding,
  senderIdentity,
} from '@sallyport/rules'
import fc from 'fast-check'

function address(text: string): Address {
  const parsed = parseAddress(text)
  assert.ok(parsed !== null, text)
  return parsed
}

test('the key of a network is how it is written', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), text => {
      const one = address(text)
      assert.equal(networkKey(one), formatNetwork(networkOf(one, one.family === 4 ? 24 : 48)))
    }),
  )
})

test('neighbours share a /24, or a /48', () => {
  assert.equal(networkKey(address('192.0.2.77')), '192.0.2.0/24')
  assert.equal(networkKey(address('2001:db8:1:2::5')), '2001:db8:1::/48')
})

test('a confirmed name stands for its domain, unless it spells the address', () => {
  const table: readonly (readonly [client: string, name: string, identity: string | null])[] = [
    ['192.0.2.7', 'mx1.example.net', 'name:example.net'],
    ['192.0.2.7', 'MX1.Example.NET.', 'name:example.net'],
    ['192.0.2.7', 'a1.outbound.example.net', 'name:outbound.example.net'],
    ['192.0.2.7', 'example.net', 'name:example.net'],
    ['192.0.2.7', 'mail.example.co.uk', 'name:example.co.uk'],
    ['192.0.2.7', 'example.co.uk', 'name:example.co.uk'],
    ['209.85.214.170', 'mail-pl1-f170.google.com', 'name:google.com'],
    // Names that a provider gives to all its customers.
    ['198.51.100.23', 'static-198-51-100-23.isp.example.net', null],
    ['198.51.100.23', '23.100.51.198.isp.example.net', null],
    ['198.51.100.23', 'host-100-23.isp.example.net', null],
    ['198.51.100.23', 'c6336417.isp.example.net', null],
    ['198.51.100.23', '198051100023.isp.example.net', null],
    ['2001:db8::1:c633:6417', 'ipv6-c6336417.isp.example.net', null],
    ['192.0.2.7', 'localhost', null],
    ['192.0.2.7', `${'a'.repeat(60)}.${'b'.repeat(60)}.example`, null],
    ['192.0.2.7', 'a b.example.net', null],
  ]
  for (const [client, name, identity] of table)
    assert.equal(nameIdentity({ kind: 'confirmed', name }, address(client)), identity, name)
})

test('a name that nobody confirmed stands for nothing', () => {
  const client = address('192.0.2.7')
  assert.equal(nameIdentity(null, client), null)
  assert.equal(nameIdentity({ kind: 'mismatch', name: 'mx1.example.net' }, client), null)
  assert.equal(nameIdentity({ kind: 'none' }, client), null)
  assert.equal(nameIdentity({ kind: 'failed' }, client), null)
})

test('a domain whose SPF record names the client is remembered apart from host names, and comes first', () => {
  const spf = (result: SpfFinding['result'], domain: string): SpfFinding => ({
    result,
    domain,
    identity: 'mailfrom',
    mechanism: null,
    problem: null,
    explanation: null,
  })
  assert.equal(senderIdentity(spf('pass', 'Example.ORG')), 'spf:example.org')
  assert.equal(senderIdentity(spf('softfail', 'example.org')), null)
  assert.equal(senderIdentity(spf('pass', 'nodots')), null)
  assert.equal(senderIdentity(spf('pass', 'a b.example')), null)
  assert.equal(senderIdentity(null), null)
  assert.equal(senderIdentity({ ...spf('pass', 'example.org'), mechanism: '+all' }), null, 'it names nobody')
  const reverse = { kind: 'confirmed', name: 'mx.example.net' } as const
  const client = address('192.0.2.7')
  assert.deepEqual(identitiesOf({ spf: spf('pass', 'example.org'), reverse }, client), [
    'spf:example.org',
    'name:example.net',
  ])
  assert.deepEqual(identitiesOf({ spf: null, reverse: null }, client), [])
})
