import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HelloClaim, readHello } from '@sallyport/rules'
import { addressOf } from '../support/address.ts'

const us = {
  hostname: 'MX.example.test',
  domains: new Set(['example.test', 'example.org']),
  address: addressOf('192.0.2.25'),
}

test('what HELO says of who is speaking', () => {
  const rows: readonly (readonly [argument: string, claim: HelloClaim, client?: string])[] = [
    ['mail.example.net', 'name'],
    ['localhost', 'name'],
    ['WIN_PC', 'name'],
    ['', 'name'],
    ['1.2.3', 'name'],
    ['192.0.2.256', 'name'],
    ['[192.0.2.1]', 'literal'],
    ['[IPv6:2001:db8::1]', 'literal', '2001:db8::1'],
    ['[ipv6:2001:DB8:0::1]', 'literal', '2001:db8::1'],
    ['[IPv6:::ffff:192.0.2.1]', 'literal'],
    ['[192.0.2.2]', 'foreign'],
    ['[10.0.0.1]', 'foreign'],
    ['[IPv6:2001:db8::2]', 'foreign', '2001:db8::1'],
    ['[nonsense]', 'foreign'],
    ['[]', 'foreign'],
    ['192.0.2.1', 'address'],
    ['192.0.2.2', 'address'],
    ['2001:db8::1', 'address', '2001:db8::1'],
    ['mx.EXAMPLE.test', 'own'],
    ['mx.example.test.', 'own'],
    ['example.org', 'own'],
    ['EXAMPLE.TEST', 'own'],
    ['mail.example.org', 'name'],
    ['192.0.2.25', 'own'],
    ['[192.0.2.25]', 'own'],
    // Who speaks from our own address may be one of us.
    ['mx.example.test', 'name', '192.0.2.25'],
    ['[192.0.2.25]', 'literal', '192.0.2.25'],
    ['192.0.2.25', 'address', '192.0.2.25'],
  ]
  for (const [argument, claim, client = '192.0.2.1'] of rows)
    assert.equal(readHello(argument, addressOf(client), us), claim, argument)
})

test('what is ours may not be known', () => {
  const unknown = { hostname: 'mx.example.test', domains: null, address: null }
  assert.equal(readHello('mx.example.test', addressOf('192.0.2.1'), unknown), 'own')
  assert.equal(readHello('example.org', addressOf('192.0.2.1'), unknown), 'name')
  assert.equal(readHello('[192.0.2.25]', addressOf('192.0.2.1'), unknown), 'foreign')
})
