import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { identityHeader, ownHeader } from '@sallyport/proxy/backend.js'
import { type Address, address4, address6, parseAddress } from '@sallyport/rules'
import fc from 'fast-check'

function at(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address !== null, text)
  return address
}

function xconnect(client: Address): string {
  const ends = { client, clientPort: 40_001, server: at('192.0.2.25'), serverPort: 25 }
  return identityHeader('xconnect', ends)?.toString('latin1') ?? ''
}

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.nat(0xffffffff).map(bits => address4(bits)),
  fc
    .tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff))
    .map(words => address6(words)),
)

describe('identity xconnect', () => {
  it('names the client in one line, IPv6 without a tag, and never leaves its name to be that of the gate', () => {
    assert.equal(xconnect(at('192.0.2.1')), 'X-CONNECT 192.0.2.1 unknown M\r\n')
    assert.equal(xconnect(at('2001:db8::1')), 'X-CONNECT 2001:db8::1 unknown M\r\n')
    assert.equal(xconnect(at('::ffff:192.0.2.1')), 'X-CONNECT 192.0.2.1 unknown M\r\n')
  })

  it('whatever the address, Sendmail reads the line to its end, and the address is that of the client', () => {
    fc.assert(
      fc.property(address, client => {
        // The characters at which xconnect() of sendmail/util.c does not stop.
        const [, text = ''] = /^X-CONNECT ([0-9A-Za-z.:]+) unknown M\r\n$/.exec(xconnect(client)) ?? []
        assert.deepEqual(parseAddress(text), client)
      }),
    )
  })

  it('is said of the gate itself when it asks what the backend offers', () => {
    const own = { client: at('127.0.0.1'), clientPort: 40_001, server: at('127.0.0.1'), serverPort: 10_025 }
    assert.equal(ownHeader('xconnect', own)?.toString('latin1'), 'X-CONNECT 127.0.0.1 unknown M\r\n')
  })
})
