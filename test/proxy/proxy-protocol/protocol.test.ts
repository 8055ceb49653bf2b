import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProxyHeaderReader, type ProxyReading } from '@sallyport/proxy/proxy-protocol/decode.js'
import { encodeV1, encodeV2, encodeV2Local } from '@sallyport/proxy/proxy-protocol/encode.js'
import { type Address, address4, address6, parseAddress } from '@sallyport/rules'
import fc from 'fast-check'

const signature = '0d0a0d0a000d0a515549540a'

function at(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address !== null, text)
  return address
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

function readWhole(bytes: Uint8Array): ProxyReading {
  return new ProxyHeaderReader().read(bytes)
}

/** Feeds fragments until there is a result, and gives back what the reader left over, of this fragment and of those not read. */
function readCut(fragments: readonly Uint8Array[]): { reading: ProxyReading; left: string; fed: number } {
  const reader = new ProxyHeaderReader()
  let reading: ProxyReading = { kind: 'more' }
  let fed = 0
  const left: Uint8Array[] = []
  for (const fragment of fragments) {
    if (reading.kind !== 'more') left.push(fragment)
    else {
      reading = reader.read(fragment)
      fed += fragment.length
      if (reading.kind === 'header') left.push(reading.rest)
    }
  }
  return { reading, left: Buffer.concat(left).toString('hex'), fed }
}

const octet = fc.nat(255)
const address: fc.Arbitrary<Address> = fc.oneof(
  fc.nat(0xffffffff).map(bits => address4(bits)),
  fc
    .tuple(fc.integer({ min: 1, max: 0xffffffff }), fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff))
    .map(words => address6(words)),
)
const port = fc.nat(65535)
const endpoints = fc.tuple(address, port, address, port)

/** Good headers of every kind, and the octets of such a header with one octet changed, taken away or added. */
const goodHeader: fc.Arbitrary<Buffer> = fc.oneof(
  endpoints.map(ends => Buffer.from(encodeV1(...ends), 'latin1')),
  endpoints.map(ends => encodeV2(...ends)),
  endpoints.map(ends =>
    encodeV2(...ends, { version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES256-GCM-SHA384', serverName: 'a' }),
  ),
  fc.constant(encodeV2Local()),
  fc.constant(Buffer.from('PROXY UNKNOWN\r\n')),
)
const hurtHeader: fc.Arbitrary<Buffer> = fc
  .tuple(goodHeader, fc.nat(), octet, fc.constantFrom('change', 'drop', 'add'))
  .map(([header, where, value, how]) => {
    const i = where % header.length
    const kept = how === 'add' ? i : i + 1
    return Buffer.concat([
      header.subarray(0, i),
      how === 'drop' ? Buffer.of() : Buffer.of(value),
      header.subarray(kept),
    ])
  })
const anyOctets: fc.Arbitrary<Buffer> = fc.oneof(
  goodHeader,
  hurtHeader,
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  fc
    .tuple(
      fc.constantFrom('20', '21'),
      fc.constantFrom('00', '11', '21', '31', '12'),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([command, family, bytes]) => Buffer.concat([hex(signature + command + family), bytes])),
)

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map(place => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end))
}

describe('writing PROXY headers', () => {
  it('writes the octets of the specification', () => {
    const [client, server] = [at('192.0.2.7'), at('198.51.100.1')]
    assert.equal(encodeV1(client, 51000, server, 25), 'PROXY TCP4 192.0.2.7 198.51.100.1 51000 25\r\n')
    assert.equal(encodeV1(at('2001:db8::7'), 1, at('2001:db8::1'), 25), 'PROXY TCP6 2001:db8::7 2001:db8::1 1 25\r\n')
    assert.equal(encodeV1(client, 1, at('2001:db8::1'), 25), 'PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 25\r\n')
    assert.equal(encodeV2(client, 51000, server, 25).toString('hex'), `${signature}2111000cc0000207c6336401c7380019`)
    assert.equal(
      encodeV2(client, 51000, at('2001:db8::1'), 25).toString('hex'),
      `${signature}2121002400000000000000000000ffffc000020720010db8000000000000000000000001c7380019`,
    )
    // AUTHORITY (0x02), then SSL (0x20): the client spoke TLS, no certificate of it was found good, version (0x21), cipher (0x23).
    const name = Buffer.from('mx.example').toString('hex')
    const [version, cipher] = ['TLSv1.3', 'TLS_AES_256_GCM_SHA384']
    const texts = `210007${Buffer.from(version).toString('hex')}230016${Buffer.from(cipher).toString('hex')}`
    const addresses = 'c0000207c6336401c7380019'
    assert.equal(
      encodeV2(client, 51000, server, 25, { version, cipher, serverName: 'mx.example' }).toString('hex'),
      `${signature}21110044${addresses}02000a${name}2000280100000001${texts}`,
    )
    assert.equal(
      encodeV2(client, 51000, server, 25, { version, cipher, serverName: null }).toString('hex'),
      `${signature}21110037${addresses}2000280100000001${texts}`,
    )
    // What HAProxy sends with its own health checks.
    assert.equal(encodeV2Local().toString('hex'), `${signature}20000000`)
  })
})

describe('reading PROXY headers', () => {
  it('gives back what was written, and the octets behind it', () => {
    // Invariant: decode(encode(ends) + rest) = ends and rest, in both versions.
    fc.assert(
      fc.property(endpoints, fc.uint8Array({ maxLength: 200 }), ([client, clientPort, server, serverPort], rest) => {
        for (const version of [1, 2] as const) {
          const written =
            version === 1
              ? Buffer.from(encodeV1(client, clientPort, server, serverPort))
              : encodeV2(client, clientPort, server, serverPort)
          const reading = readWhole(Buffer.concat([written, rest]))
          assert.deepEqual(reading, {
            kind: 'header',
            header: { kind: 'proxied', version, client, clientPort, server, serverPort },
            rest: Buffer.from(rest),
          })
        }
      }),
    )
  })

  it('comes to the same result however the octets are cut', () => {
    // Invariant: for any octets and any cuts, the reading and what is left over equal those of the octets in one piece.
    fc.assert(
      fc.property(
        anyOctets,
        fc.uint8Array({ maxLength: 120 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (head, tail, places) => {
          const bytes = Buffer.concat([head, tail])
          const whole = readCut([bytes])
          const bare = (reading: ProxyReading) => (reading.kind === 'header' ? { ...reading, rest: null } : reading)
          for (const fragments of [cut(bytes, places), cut(bytes, [...bytes.keys()])]) {
            const pieces = readCut(fragments)
            assert.deepEqual(bare(pieces.reading), bare(whole.reading))
            if (whole.reading.kind === 'header') assert.equal(pieces.left, whole.left)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('never throws on any octets, and never waits for more than 16 + 4096 of them', () => {
    // Invariant: a reader that was fed 4112 octets has come to a result.
    const start = fc.constantFrom(
      '',
      'PROXY UNKNOWN ',
      'PROXY TCP4 ',
      `${signature}2111`,
      `${signature}2000`,
      `${signature}20001000`,
    )
    fc.assert(
      fc.property(start, octet, fc.uint8Array({ maxLength: 64 }), (start, fill, bytes) => {
        const head = start.startsWith('P') ? Buffer.from(start) : hex(start)
        const long = Buffer.concat([head, bytes, Buffer.alloc(4112, fill)]).subarray(0, 4112)
        assert.notEqual(readCut(cut(long, [1, 5, 13, 14, 100, 1000])).reading.kind, 'more')
      }),
    )
  })

  it('takes every proper beginning of a header for a beginning', () => {
    // Invariant: a header cut short is `more`, never `malformed`.
    fc.assert(
      fc.property(goodHeader, fc.nat(), (header, length) => {
        assert.deepEqual(readWhole(header.subarray(0, length % header.length)), { kind: 'more' })
      }),
    )
  })

  const local = (version: 1 | 2) => ({ kind: 'local', version })
  const good: readonly [string, Buffer, object][] = [
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), local(1)],
    ['UNKNOWN with addresses, which are ignored', Buffer.from('PROXY UNKNOWN ffff::1 \x00 x 1 2\r\n'), local(1)],
    ['a bare line feed', Buffer.from('PROXY UNKNOWN\n'), local(1)],
    ['LOCAL', hex(`${signature}20 00 0000`), local(2)],
    ['LOCAL with a family and octets that are no TLV', hex(`${signature}20 99 0003 ffffff`), local(2)],
    ['AF_UNSPEC', hex(`${signature}21 00 0002 0102`), local(2)],
    ['AF_UNIX', Buffer.concat([hex(`${signature}21 31 00d8`), Buffer.alloc(216, 0x2f)]), local(2)],
    [
      'TLVs',
      hex(`${signature}21 11 0016 c0000207 c6336401 c738 0019 ea0000 04000401020304`),
      {
        kind: 'proxied',
        version: 2,
        client: at('192.0.2.7'),
        clientPort: 51000,
        server: at('198.51.100.1'),
        serverPort: 25,
      },
    ],
    [
      'IPv4-mapped addresses, which are IPv4',
      Buffer.from('PROXY TCP6 ::ffff:192.0.2.7 ::FFFF:c633:6401 0 65535\n'),
      {
        kind: 'proxied',
        version: 1,
        client: at('192.0.2.7'),
        clientPort: 0,
        server: at('198.51.100.1'),
        serverPort: 65535,
      },
    ],
  ]
  for (const [name, bytes, header] of good) {
    it(`understands ${name}`, () => {
      assert.deepEqual(readWhole(Buffer.concat([bytes, Buffer.from('EHLO x\r\n')])), {
        kind: 'header',
        header,
        rest: Buffer.from('EHLO x\r\n'),
      })
    })
  }

  it('understands TLVs up to the cap', () => {
    const tlv = Buffer.alloc(4096 - 12, 1)
    tlv.set([4, (tlv.length - 3) >>> 8, (tlv.length - 3) & 255])
    const bytes = Buffer.concat([hex(`${signature}21 11 1000 c0000207 c6336401 c738 0019`), tlv])
    assert.equal(readWhole(bytes).kind, 'header')
  })

  /** Each is malformed with its last octet and not before. */
  const bad: readonly [string, Buffer, string][] = [
    ['a command of SMTP', Buffer.from('E'), 'neither a version 1 nor a version 2 header'],
    ['another word in P', Buffer.from('PROG'), 'version 1: an octet that does not fit'],
    ['another protocol', Buffer.from('PROXY TCP5'), 'version 1: an octet that does not fit'],
    ['lower case', Buffer.from('PROXY t'), 'version 1: an octet that does not fit'],
    ['UNKNOWN with a tail', Buffer.from('PROXY UNKNOWNS'), 'version 1: an octet that does not fit'],
    ['IPv6 under TCP4', Buffer.from('PROXY TCP4 2001:'), 'version 1: an octet that does not fit'],
    ['two blanks', Buffer.from('PROXY TCP4 192.0.2.7  '), 'version 1: an octet that does not fit'],
    [
      'a port of six digits',
      Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 123456'),
      'version 1: an octet that does not fit',
    ],
    [
      'a carriage return alone',
      Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rE'),
      'version 1: an octet that does not fit',
    ],
    ['missing fields', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1\n'), 'version 1: fields are missing'],
    ['a bad address', Buffer.from('PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n'), 'version 1: not an address'],
    ['IPv4 under TCP6', Buffer.from('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n'), 'version 1: not an IPv6 address'],
    ['a port too high', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n'), 'version 1: not a port'],
    ['a leading zero', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n'), 'version 1: not a port'],
    ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(93)}`), 'version 1: too long'],
    ['another signature', hex('0d0a0d0b'), 'version 2: wrong signature'],
    ['version 3', hex(`${signature}31`), 'version 2: neither LOCAL nor PROXY'],
    ['an unknown command', hex(`${signature}22`), 'version 2: neither LOCAL nor PROXY'],
    ['datagrams', hex(`${signature}2112`), 'version 2: not a stream of a known family'],
    ['an unknown family', hex(`${signature}2141`), 'version 2: not a stream of a known family'],
    ['a length above the cap', hex(`${signature}21111001`), 'version 2: too long'],
    ['a length far above the cap', hex(`${signature}211111`), 'version 2: too long'],
    ['a length too short for IPv4', hex(`${signature}2111000b`), 'version 2: too short for its addresses'],
    ['a length too short for IPv6', hex(`${signature}21210023`), 'version 2: too short for its addresses'],
    ['a length too short for AF_UNIX', hex(`${signature}213100d7`), 'version 2: too short for its addresses'],
    [
      'a TLV cut short',
      hex(`${signature}2111000e c0000207 c6336401 c738 0019 0300`),
      'version 2: a TLV reaches beyond the header',
    ],
    [
      'a TLV too long',
      hex(`${signature}21110010 c0000207 c6336401 c738 0019 03000200`),
      'version 2: a TLV reaches beyond the header',
    ],
  ]
  for (const [name, bytes, why] of bad) {
    it(`refuses ${name} at its last octet`, () => {
      const reader = new ProxyHeaderReader()
      assert.deepEqual(reader.read(bytes.subarray(0, -1)), { kind: 'more' })
      assert.deepEqual(reader.read(bytes.subarray(-1)), { kind: 'malformed', why })
      assert.deepEqual(reader.read(Buffer.from('PROXY UNKNOWN\r\n')), { kind: 'malformed', why })
    })
  }

  it('is not asked again after a header', () => {
    const reader = new ProxyHeaderReader()
    assert.equal(reader.read(encodeV2Local()).kind, 'header')
    assert.throws(() => reader.read(Buffer.of(1)), /has been read/)
  })
})
