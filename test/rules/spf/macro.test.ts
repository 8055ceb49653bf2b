// The cases of the test suite for RFC 7208 (openspf.org, release 2014.04) that are about macros and explanations, and some more.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { askSpf, type SpfCase } from '../../support/spf.ts'
import type { Zone } from '../../support/zone.ts'

const arpa6 = '3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'
const world: Zone = {
  'mail.example.net': ['A 192.0.2.3', 'AAAA 2001:db8::3'],
  'mail.in.example.net': ['A 192.0.2.4'],
  'other.example.org': ['A 192.0.2.4'],
  '3.2.0.192.in-addr.arpa': ['PTR mail.example.net'],
  '4.2.0.192.in-addr.arpa': ['PTR other.example.org', 'PTR mail.in.example.net'],
  '5.2.0.192.in-addr.arpa': ['PTR mail.example.net'],
  [arpa6]: ['PTR mail.example.net'],
}

/** The name that the one mechanism comes to, which is asked about last. */
function asked(spec: string, it: SpfCase): string | undefined {
  const { groups } = askSpf({ ...world, 'example.net': [`TXT v=spf1 exists:${spec}`] }, it)
  return groups.at(-1)?.[0]?.slice(2)
}

describe('a name is made of macros', () => {
  const sender = 'strong-bad+tag@example.net'
  const rows: readonly (readonly [spec: string, expected: string, it?: SpfCase])[] = [
    ['%{s}.x.test', 'strong-bad+tag@example.net.x.test'],
    ['%{l}.x.test', 'strong-bad+tag.x.test'],
    ['%{l-}.x.test', 'strong.bad+tag.x.test'],
    ['%{lr-}.x.test', 'bad+tag.strong.x.test'],
    ['%{l1r-}.x.test', 'strong.x.test'],
    ['%{l2r+-}.x.test', 'bad.strong.x.test'],
    ['%{l1-}.x.test', 'bad+tag.x.test'],
    ['%{l99-}.x.test', 'strong.bad+tag.x.test'],
    ['%{o}.x.test', 'example.net.x.test'],
    ['%{d}.x.test', 'example.net.x.test'],
    ['%{d1}.x.test', 'net.x.test'],
    ['%{dr}.x.test', 'net.example.x.test'],
    ['%{d1r}.x.test', 'example.x.test'],
    ['%{D2}.x.test', 'example.net.x.test'],
    ['%{i}.x.test', '192.0.2.3.x.test'],
    ['%{ir}.%{v}.x.test', '3.2.0.192.in-addr.x.test'],
    ['%{h}', 'helo.example.org', { sender, helo: 'helo.example.org' }],
    ['%{h2}.x.test', 'example.org.x.test', { sender, helo: 'helo.example.org' }],
    ['%{ir}.x.test', `${arpa6.slice(0, -9).toUpperCase()}.x.test`, { sender, client: '2001:db8::3' }],
    ['%{v}.x.test', 'ip6.x.test', { sender, client: '2001:db8::3' }],
    ['a%%b%_c%-d.x.test', 'a%b c%20d.x.test'],
    ['%{S}.x.test', 'strong-bad%2Btag%40example.net.x.test'],
    ['%{L}.x.test', '~jack%26jill%3Dup-a_b3.c.x.test', { sender: '~jack&jill=up-a_b3.c@example.net' }],
    ['%{d}.x.test.', 'example.net.x.test'],
    ['%{l}.x.test', 'postmaster.x.test', { sender: '@example.net' }],
    // Of the names that the client has: one of the domain, if any is.
    ['%{p}.x.test', 'mail.example.net.x.test'],
    ['%{p}.x.test', 'mail.in.example.net.x.test', { sender, client: '192.0.2.4' }],
    ['%{p}.x.test', 'unknown.x.test', { sender, client: '192.0.2.5' }],
    ['%{p}.x.test', 'unknown.x.test', { sender, client: '192.0.2.6' }],
    ['%{p}.x.test', 'mail.example.net.x.test', { sender, client: '2001:db8::3' }],
    // Above 253 octets labels are lost on the left.
    [`first.${'%{o}.'.repeat(20)}x.test`, `first.${'example.net.'.repeat(20)}x.test`],
    [`first.${'%{o}.'.repeat(21)}x.test`, `net.${'example.net.'.repeat(20)}x.test`],
  ]
  for (const [spec, expected, it] of rows) {
    test(`${spec.slice(0, 30)} is ${expected.slice(0, 60)}`, () =>
      assert.equal(asked(spec, it ?? { sender }), expected))
  }
})

describe('a name that cannot be made', () => {
  const rows: readonly string[] = [
    '%(ir).x.test',
    'foo%(ir).x.test',
    'foo%.x.test',
    'foo.x.test%',
    '%{a}.x.test',
    '%{l0}.x.test',
    '%{lx}.x.test',
    '%{l2r*}.x.test',
    '%{l',
    '%{c}.x.test',
    '%{r}.x.test',
    '%{t}.x.test',
  ]
  for (const spec of rows) {
    test(`${spec} is a permerror`, () => {
      const zone: Zone = { 'example.net': [`TXT v=spf1 exists:${spec} -all`] }
      assert.equal(askSpf(zone, { sender: 'u@example.net' }).finding.result, 'permerror')
    })
  }
  test('because HELO is no name does not exist, and is no error', () => {
    for (const helo of ["JUMPIN' JUPITER", '[192.0.2.3]', 'OEMCOMPUTER']) {
      for (const term of ['a:%{H}', 'a:%{h}']) {
        const zone: Zone = { 'example.net': [`TXT v=spf1 ${term} -all`] }
        assert.equal(askSpf(zone, { helo, sender: 'u@example.net' }).finding.result, 'fail', `${term} ${helo}`)
      }
    }
  })
})

test('a policy that wants a name in HELO', () => {
  const zone: Zone = {
    'example.net': ['TXT v=spf1 -include:_helo.%{d2} ip4:192.0.2.0/24 -all'],
    '_helo.example.net': ['TXT v=spf1 -a:%{h} +all'],
    'mail.example.net': ['A 192.0.2.3'],
  }
  assert.equal(askSpf(zone, { helo: 'OEMCOMPUTER', sender: 'u@example.net' }).finding.result, 'fail')
  assert.equal(askSpf(zone, { helo: 'mail.example.net', sender: 'u@example.net' }).finding.result, 'pass')
})

describe('what the domain says of a fail', () => {
  type Row = readonly [what: string, zone: Zone, expected: string | null, it?: SpfCase]
  const said = (...lines: readonly string[]): Zone => ({
    'example.net': ['TXT v=spf1 -all exp=why.example.net'],
    'why.example.net': lines,
  })
  const rows: readonly Row[] = [
    ['is its text', said('TXT No mail from here.'), 'No mail from here.'],
    ['is nothing without one', { 'example.net': ['TXT v=spf1 -all'] }, null],
    ['is nothing when there is no text', said('A 192.0.2.1'), null],
    ['is nothing when there are two', said('TXT one', 'TXT two'), null],
    ['is nothing without an answer', said('silent'), null],
    ['is nothing when its macros are wrong', said('TXT The %{x}-files.'), null],
    ['is nothing when it is not ASCII', said('TXT \u00ef\u00bb\u00bfBecause'), null],
    [
      'has the client',
      said('TXT %{c} is %{i}, or %{ir}.%{v}.arpa'),
      '192.0.2.3 is 192.0.2.3, or 3.2.0.192.in-addr.arpa',
    ],
    [
      'has an IPv6 client',
      said('TXT %{c} is %{ir}.%{v}.arpa'),
      `2001:db8::3 is ${arpa6.slice(0, -9).toUpperCase()}.ip6.arpa`,
      { client: '2001:db8::3', sender: 'u@example.net' },
    ],
    ['has the receiver and the time', said('TXT %{r} at %{t}'), 'mx.example.test at 1000000'],
    [
      'has the sender',
      said('TXT %{l} in the local part'),
      'Macro Error in the local part',
      { sender: 'Macro Error@example.net' },
    ],
    [
      'has escapes',
      said('TXT http://example.net/why?l=%{L}'),
      'http://example.net/why?l=a%26b',
      { sender: 'a&b@example.net' },
    ],
    ['has the name of the client', said('TXT from %{p}'), 'from mail.example.net'],
    [
      'has no name of the client',
      said('TXT from %{p}'),
      'from unknown',
      { client: '192.0.2.5', sender: 'u@example.net' },
    ],
    [
      'stands where the macros say',
      { 'example.net': ['TXT v=spf1 -all exp=%{ir}.example.net'], '3.2.0.192.example.net': ['TXT no'] },
      'no',
    ],
    [
      'keeps its dot',
      { 'example.net': ['TXT v=spf1 exp=why.example.net. -all'], 'why.example.net': ['TXT A test.'] },
      'A test.',
    ],
    [
      'is asked for under a name without its first labels',
      {
        'example.net': [`TXT v=spf1 -all exp=first.${'%{o}.'.repeat(21)}x.test`],
        [`net.${'example.net.'.repeat(20)}x.test`]: ['TXT long'],
      },
      'long',
    ],
    ['is cut', said(`TXT ${'x'.repeat(400)}`), 'x'.repeat(250)],
    [
      'is what the domain says to which it redirects',
      {
        'example.net': ['TXT v=spf1 exp=why.example.net redirect=example.org'],
        'why.example.net': ['TXT not this'],
        'example.org': ['TXT v=spf1 -all exp=why.example.org'],
        'why.example.org': ['TXT %{d} and %{o}'],
      },
      'example.org and example.net',
    ],
    [
      'is nothing when the domain to which it redirects says nothing',
      {
        'example.net': ['TXT v=spf1 exp=why.example.net redirect=example.org'],
        'why.example.net': ['TXT not this'],
        'example.org': ['TXT v=spf1 -all'],
      },
      null,
    ],
    [
      'is not what is said by one that it includes',
      {
        'example.net': ['TXT v=spf1 include:example.org -all exp=why.example.net'],
        'why.example.net': ['TXT this'],
        'example.org': ['TXT v=spf1 -all exp=why.example.org'],
        'why.example.org': ['TXT not this'],
      },
      'this',
    ],
    [
      'is not asked for in vain, whatever was before',
      { 'example.net': ['TXT v=spf1 a:x.example.net a:y.example.net exp=z.example.net -all'] },
      null,
    ],
  ]
  for (const [what, zone, expected, it] of rows) {
    test(what, () => {
      const { finding } = askSpf({ ...world, ...zone }, it ?? { sender: 'u@example.net' })
      assert.equal(finding.result, 'fail')
      assert.equal(finding.explanation, expected)
    })
  }
})

test('what is said is asked for only of a fail', () => {
  const zone: Zone = { 'example.net': ['TXT v=spf1 ~all exp=why.example.net'], 'why.example.net': ['TXT no'] }
  const { finding, groups } = askSpf(zone, { sender: 'u@example.net' })
  assert.deepEqual([finding.result, finding.explanation, groups.length], ['softfail', null, 1])
})
