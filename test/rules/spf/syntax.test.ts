// The cases of the test suite for RFC 7208 (openspf.org, release 2014.04) that are about the syntax of records, and some more.
// Names and addresses are those reserved for documentation (RFC 2606, RFC 5737, RFC 3849).

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { spfResult } from '../../support/spf.ts'
import type { Zone } from '../../support/zone.ts'

/** What there is beside the record that is tested; the client is 192.0.2.3 unless said otherwise. */
const world: Zone = {
  'mail.example.net': ['A 192.0.2.3', 'AAAA 2001:db8::3'],
  'other.example.net': ['A 192.0.2.77', 'AAAA 2001:db8:1::77'],
  'odd:name/here.example.net': ['A 192.0.2.3', 'MX odd:name/here.example.net'],
  'host.example.xn--zckzah': ['A 192.0.2.3'],
  'mx.example.net': ['MX other.example.net'],
  'near.example.net': ['A 203.0.113.1', 'A 192.0.2.99'],
  'nearmx.example.net': ['MX near.example.net'],
  'only6.example.net': ['AAAA 2001:db8::4'],
  'silent.example.net': ['silent'],
  'pass.example.net': ['TXT v=spf1 ip4:192.0.2.3 -all'],
}

type Row = readonly [terms: string, expected: string, client?: string]

/** The record stands at example.net, with an address of the client's network and no MX but itself. */
function table(title: string, rows: readonly Row[], own: readonly string[] = []): void {
  describe(title, () => {
    for (const [terms, expected, client] of rows) {
      test(`${JSON.stringify(terms)} for ${client ?? '192.0.2.3'}: ${expected}`, () => {
        const zone = { ...world, 'example.net': [...own, `TXT v=spf1 ${terms}`] }
        const found = spfResult(zone, { sender: 'user@example.net', ...(client && { client }) })
        assert.equal(found, expected)
      })
    }
  })
}

const v6 = '2001:db8::3'
const mapped = '::ffff:192.0.2.3'
const label63 = 'a'.repeat(63)

table('the evaluation of a record', [
  // An error anywhere spoils the whole.
  ['ip4:192.0.2.3 -all unheard', 'permerror'],
  // Modifiers that nobody knows are passed over: letters, digits, hyphens, underscores, dots.
  ['any.thing-not_known=to:me/too ip4:192.0.2.3 -all', 'pass'],
  ['any.thing/not_known=to:me/too ip4:192.0.2.3 -all', 'permerror'],
  ['any.thing:not_known=to:me/too ip4:192.0.2.3 -all', 'permerror'],
  ['unknown=', 'neutral'],
  ['default=pass', 'neutral'],
  ['default=+', 'neutral'],
  ['-all unknown=%abc', 'permerror'],
  ['1st=no', 'permerror'],
  ['=all', 'permerror'],
  ['-unknown=no', 'permerror'],
  ['+ip4:192.0.2.3', 'pass'],
  ['~ip4:192.0.2.3', 'softfail'],
  ['?ip4:192.0.2.3', 'neutral'],
  ['++ip4:192.0.2.3', 'permerror'],
  ['IP4:192.0.2.3 -ALL', 'pass'],
  ['Redirect=pass.example.net', 'pass'],
  // Spaces part the terms, as many as one likes, and nothing else does.
  ['  ip4:192.0.2.3   -all  ', 'pass'],
  ['ip4:192.0.2.3\t-all', 'permerror'],
  ['a:mail.example.net\rptr -all', 'permerror'],
  ['a:mail.example.net\u00ef\u00bb\u00bf -all', 'permerror'],
  ['\u0080a:mail.example.net -all', 'permerror'],
  ['a:other.example.net \u0096all', 'permerror'],
  ['ip4:203.0.113.1', 'neutral'],
  ['ip4:203.0.113.1 redirect:pass.example.net', 'permerror'],
  [`a:${'x'.repeat(9000)}.example.net`, 'permerror'],
])

table('redirect and exp', [
  // redirect comes last wherever it stands, and not at all behind all.
  ['redirect=example.net ~all', 'softfail'],
  ['ip4:203.0.113.9 redirect=pass.example.net', 'pass'],
  ['redirect=none.example.net', 'permerror'],
  ['redirect=-all ?all', 'permerror'],
  ['?all redirect=', 'permerror'],
  ['redirect=pass.example.net -all redirect=pass.example.net', 'permerror'],
  [`redirect=a${label63}.example.net`, 'permerror'],
  ['exp= -all', 'permerror'],
  ['exp=-all', 'permerror'],
  ['exp=a.example.net -all exp=a.example.net', 'permerror'],
])

table('all', [
  ['-all.', 'permerror'],
  ['-all:name', 'permerror'],
  ['-all/8', 'permerror'],
  ['?all', 'neutral'],
  ['all -all', 'pass'],
  ['+all', 'pass'],
])

table('a domain-spec', [
  ['a:foo-bar -all', 'permerror'],
  // Names that cannot be asked about do not exist.
  ['a:mail.example...net -all', 'fail'],
  [`a:a${label63}.example.net -all`, 'fail'],
  ['a:%{h}a%{h}a%{h}a%{h}a%{h}.net -all', 'fail'],
  ['a:mail.example.net\0', 'permerror'],
  ['a:192.0.2.3', 'permerror'],
  ['a:abc.123', 'permerror'],
  ['a:museum', 'permerror'],
  ['a:museum.', 'permerror'],
  ['a:example.-net', 'permerror'],
  ['a:example.net-', 'permerror'],
  ['a:example.net:8080', 'permerror'],
  ['a:host.example.xn--zckzah -all', 'pass'],
  ['a:odd:name/here.example.net -all', 'pass'],
  ['a:odd:name/here.example.net -all', 'pass', mapped],
  ['a: -all', 'permerror'],
  ['a:mail.example.net. -all', 'pass'],
  ['mx:example.net\0', 'permerror'],
  ['mx:abc.123', 'permerror'],
  ['mx:example.-net', 'permerror'],
  ['mx:example.net:8080', 'permerror'],
  ['mx:odd:name/here.example.net -all', 'pass'],
  ['mx:odd:name/here.example.net -all', 'pass', mapped],
  ['mx: -all', 'permerror'],
  ['ptr:', 'permerror'],
  ['ptr/0 -all', 'permerror'],
])

const near = ['A 192.0.2.99', 'AAAA 2001:db8::dead:beef', 'MX near6.example.net', 'MX near.example.net']
const near6: Zone = { 'near6.example.net': ['AAAA 2001:db8::dead:beef'] }
Object.assign(world, near6)

for (const name of ['a', 'mx'] as const) {
  table(
    `the lengths of ${name}`,
    [
      [`${name}//33 -all`, 'fail'],
      [`${name}/33 -all`, 'permerror'],
      [`${name}//129 -all`, 'permerror'],
      [`${name}/24//64 -all`, 'pass'],
      [`${name}/24//64 -all`, 'pass', v6],
      [`${name}/24/64 -all`, 'permerror'],
      [`${name}/24 -all`, 'fail', v6],
      [`${name}//64 -all`, 'fail'],
      [`${name}/024 -all`, 'permerror'],
      [`${name}/24//064 -all`, 'permerror'],
      [`${name}/ -all`, 'permerror'],
      [`${name}/24// -all`, 'permerror'],
      [`${name}/0 -all`, 'pass', '203.0.113.200'],
      [`${name}//0 -all`, 'pass', '2001:db8:ffff::1'],
      // A length is for its own family.
      [`${name}/0 -all`, 'fail', v6],
      [`${name}//0 -all`, 'fail'],
      [`${name}//0 -all`, 'fail', mapped],
    ],
    near,
  )
}

table('a', [
  ['a:near.example.net/24', 'pass'],
  ['a:near.example.net/24', 'neutral', '198.51.100.1'],
  // Nothing is in no network, however large.
  ['a/0 -all', 'fail'],
  ['a:only6.example.net/0//0 -all', 'fail'],
  ['a:mail.example.net -all', 'pass', v6],
  ['a:silent.example.net -all', 'temperror'],
])

table('mx', [
  ['mx:nearmx.example.net/24', 'pass'],
  ['mx:mail.example.net', 'neutral'],
  ['mx/0 -all', 'fail'],
])

table('exists', [
  ['exists:', 'permerror'],
  ['exists', 'permerror'],
  ['exists:mail.example.net/24', 'permerror'],
  ['exists:other.example.net', 'pass'],
  // It is always A that is asked for.
  ['exists:other.example.net', 'pass', v6],
  ['exists:only6.example.net -all', 'fail', v6],
  ['exists:silent.example.net -all', 'temperror', v6],
])

table('ip4', [
  ['ip4:203.0.113.1/0 -all', 'pass'],
  ['ip4:192.0.2.3/32 -all', 'pass'],
  ['ip4:192.0.2.99/24 -all', 'pass'],
  ['ip4:192.0.2.3/33 -all', 'permerror'],
  ['ip4:192.0.2.3/032 -all', 'permerror'],
  ['ip4', 'permerror'],
  ['ip4:192.0.2.3:8080', 'permerror'],
  ['ip4:192.0.2', 'permerror'],
  ['ip4:192.0.2.3//32', 'permerror'],
  ['ip4:2001:db8::3', 'permerror'],
  ['-ip4:192.0.2.3 ip6:::ffff:192.0.2.3', 'fail', mapped],
  ['ip6:::ffff:192.0.2.3', 'neutral', mapped],
])

table('ip6', [
  ['-all ip6', 'permerror'],
  ['ip6:::203.0.113.1/0', 'neutral'],
  ['ip6:::203.0.113.1/0', 'neutral', mapped],
  ['ip6:::203.0.113.1/0', 'pass', '2001:db8:ffff::1'],
  ['ip6:::203.0.113.1/129', 'permerror'],
  ['ip6:::203.0.113.1//33', 'permerror'],
  ['ip6:2001:DB8:8000::/33', 'pass', '2001:db8:8000::1'],
  ['ip6:2001:DB8:8000::/33', 'neutral'],
  ['ip6::2001::db8', 'permerror'],
  ['ip6:192.0.2.3', 'permerror'],
])
