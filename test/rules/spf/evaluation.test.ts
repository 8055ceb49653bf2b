// The cases of the test suite for RFC 7208 (openspf.org, release 2014.04) that are about the way through the records, and some more.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { askSpf, type SpfCase, spfResult } from '../../support/spf.ts'
import type { Zone } from '../../support/zone.ts'

type Row = readonly [what: string, zone: Zone, it: SpfCase | string, expected: string]

function table(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [what, zone, it, expected] of rows) {
      test(`${what}: ${expected}`, () => {
        assert.equal(spfResult(zone, typeof it === 'string' ? { sender: it } : it), expected)
      })
    }
  })
}

const label62 = `A${'1'.repeat(62)}`
const deny = ['TXT v=spf1 -all']

table('initial processing', [
  ['a label of 63', { [`${label62}.example.net`]: deny }, `user@${label62}.example.net`, 'fail'],
  ['a label of 64', { 'example.net': deny }, `user@${label62}1.example.net`, 'none'],
  ['an empty label', { 'example.net': deny }, 'user@A...example.net', 'none'],
  ['a dot at the end', { 'example.net': deny }, 'user@example.net.', 'fail'],
  ['a HELO of one label', { A2345678: deny }, { helo: 'A2345678' }, 'none'],
  ['a HELO that is an address literal', { '[192.0.2.3]': deny }, { helo: '[192.0.2.3]' }, 'none'],
  ['a HELO that is a name', { 'mail.example.net': deny }, { helo: 'mail.example.net' }, 'fail'],
  ['no HELO and no sender', {}, { helo: '' }, 'none'],
  ['a sender at an address literal', { '[192.0.2.3]': deny }, 'user@[192.0.2.3]', 'none'],
  ['a sender without a domain', { 'mail.example.net': deny }, 'root', 'none'],
  ['a source route', { 'example.net': deny }, '@relay.example.org,@b.example.org:user@example.net', 'fail'],
  ['a sign in the local part', { 'example.net': deny }, '"a@b"@example.net', 'fail'],
  [
    'garbage in a record that is not about SPF',
    { 'example.net': ['TXT v=spf1 -all', 'TXT \u0096'] },
    'user@example.net',
    'fail',
  ],
])

table('the look-up of a record', [
  ['no such name', {}, 'user@example.net', 'none'],
  ['a name without TXT', { 'example.net': ['A 192.0.2.3'] }, 'user@example.net', 'none'],
  ['no answer', { 'example.net': ['silent', 'TXT v=spf1 -all'] }, 'user@example.net', 'temperror'],
  ['no answer to anything but TXT', { 'example.net': ['TXT v=spf1 -all', 'silent A'] }, 'user@example.net', 'fail'],
])

table('the choice of a record', [
  ['the version is a whole word', { 'example.net': ['TXT v=spf1mx'] }, 'user@example.net', 'none'],
  ['the version is the first word', { 'example.net': ['TXT  v=spf1 -all'] }, 'user@example.net', 'none'],
  ['an empty one', { 'example.net': ['TXT v=spf1'] }, 'user@example.net', 'neutral'],
  [
    'another version beside it',
    {
      'example.net': ['TXT v=spf10', 'TXT v=spf1 mx', 'MX mail.example.net'],
      'mail.example.net': ['A 192.0.2.3'],
    },
    'user@example.net',
    'pass',
  ],
  ['two', { 'example.net': ['TXT v=spf1 -all', 'TXT v=spf1 +all'] }, 'user@example.net', 'permerror'],
  ['two in other letters', { 'example.net': ['TXT v=spf1 -all', 'TXT V=sPf1 +all'] }, 'user@example.net', 'permerror'],
  ['the same twice', { 'example.net': ['TXT v=spf1 -all', 'TXT v=spf1 -all'] }, 'user@example.net', 'permerror'],
  ['capitals', { 'example.net': ['TXT v=SpF1 ~all'] }, 'user@example.net', 'softfail'],
])

const included = (record: readonly string[], rest: string): Zone => ({
  'example.net': [`TXT v=spf1 include:other.example.net ${rest}`],
  'other.example.net': record,
})

table('include', [
  ['a fail does not match', included(['TXT v=spf1 ip4:203.0.113.1 -all'], '~all'), 'u@example.net', 'softfail'],
  ['a softfail does not match', included(['TXT v=spf1 ip4:203.0.113.1 ~all'], 'all'), 'u@example.net', 'pass'],
  ['a neutral does not match', included(['TXT v=spf1 ip4:203.0.113.1 ?all'], '-all'), 'u@example.net', 'fail'],
  ['a pass matches', included(['TXT v=spf1 ip4:192.0.2.3 ?all'], '-all'), 'u@example.net', 'pass'],
  ['a temperror is one', included(['silent'], '-all'), 'u@example.net', 'temperror'],
  ['a permerror is one', included(['TXT v=spf1 include +all'], '-all'), 'u@example.net', 'permerror'],
  ['nothing there is a permerror', included(['TXT v=spfl -all'], '-all'), 'u@example.net', 'permerror'],
  [
    'no name is a permerror',
    { 'example.net': ['TXT v=spf1 include:%{h} -all'] },
    { sender: 'u@example.net', helo: 'a..b' },
    'permerror',
  ],
  ['no domain', { 'example.net': ['TXT v=spf1 include -all'] }, 'u@example.net', 'permerror'],
  ['an empty domain', { 'example.net': ['TXT v=spf1 include: -all'] }, 'u@example.net', 'permerror'],
  ['a length', { 'example.net': ['TXT v=spf1 include:other.example.net/24 -all'] }, 'u@example.net', 'permerror'],
  [
    'its redirect is its own',
    {
      ...included(['TXT v=spf1 redirect=third.example.net'], '-all'),
      'third.example.net': ['TXT v=spf1 ip4:192.0.2.3 -all'],
    },
    'u@example.net',
    'pass',
  ],
])

const arpa4 = '3.2.0.192.in-addr.arpa'
const arpa6 = '3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'
const pointing: Zone = {
  [arpa4]: ['PTR in.example.net', 'PTR forged.example.net', 'PTR Mail.Example.ORG'],
  [arpa6]: ['PTR in.example.net'],
  'in.example.net': ['A 192.0.2.3', 'AAAA 2001:db8::3', 'TXT v=spf1 ptr -all'],
  'forged.example.net': ['A 203.0.113.1', 'TXT v=spf1 ptr -all'],
  'mail.example.org': ['A 192.0.2.3'],
  'example.org': ['TXT v=spf1 ptr:example.Org -all'],
  'notexample.org': ['TXT v=spf1 ptr:ample.org -all'],
}

table('ptr', [
  ['a name below the target', pointing, 'user@example.org', 'pass'],
  ['the domain itself', pointing, 'user@in.example.net', 'pass'],
  ['of an IPv6 address', pointing, { client: '2001:db8::3', sender: 'user@in.example.net' }, 'pass'],
  ['a name that the domain does not give the client', pointing, 'user@forged.example.net', 'fail'],
  ['half a label', pointing, 'user@notexample.org', 'fail'],
  ['no answer', { ...pointing, [arpa4]: ['silent'] }, 'user@example.org', 'fail'],
  ['no answer for the name', { ...pointing, 'mail.example.org': ['silent'] }, 'user@example.org', 'fail'],
])

table('mx', [
  ['the null MX', { 'mail.example.net': ['A 192.0.2.3', 'MX', 'TXT v=spf1 mx'] }, {}, 'neutral'],
  ['the domain is not its own MX', { 'example.net': ['A 192.0.2.3', 'TXT v=spf1 mx'] }, 'u@example.net', 'neutral'],
  [
    'no answer for one host',
    { 'example.net': ['MX a.example.net', 'TXT v=spf1 mx'], 'a.example.net': ['silent'] },
    'u@example.net',
    'temperror',
  ],
  [
    'no answer for one host, and another is the client',
    {
      'example.net': ['MX a.example.net', 'MX b.example.net', 'TXT v=spf1 mx'],
      'a.example.net': ['silent'],
      'b.example.net': ['A 192.0.2.3'],
    },
    'u@example.net',
    'pass',
  ],
  [
    'its hosts and a redirect with ptr',
    {
      'example.net': ['TXT v=spf1 mx redirect=spf.example.org', 'MX smtp.example.net', 'MX smtp.example.org'],
      'smtp.example.net': ['A 198.51.100.2', 'AAAA 2001:db8:ff0:100::3'],
      'smtp.example.org': ['A 192.0.2.26', 'AAAA 2001:db8:ff0:200::2'],
      [arpa6]: ['PTR out.fe.example.net'],
      'out.fe.example.net': ['AAAA 2001:db8::3'],
      'spf.example.org': ['TXT v=spf1 ptr:fe.example.net ptr:sg.example.org exp=why.example.net -all'],
    },
    { client: '2001:db8::3', sender: 'u@example.net' },
    'pass',
  ],
])

table('redirect', [
  [
    'changes the domain',
    {
      'example.net': ['TXT v=spf1 redirect=other.example.net', 'A 192.0.2.9'],
      'other.example.net': ['TXT v=spf1 a -all', 'A 192.0.2.3'],
    },
    'u@example.net',
    'pass',
  ],
])

/** Ten hosts of an MX that are not the client, and then the client. */
const eleven = Array.from({ length: 11 }, (_, i) => `h${i}.example.net`)
const hosts: Zone = Object.fromEntries(eleven.map((name, i) => [name, [i === 10 ? 'A 192.0.2.3' : 'A 192.0.2.200']]))
const busy = (terms: string): Zone => ({
  'example.net': [`TXT v=spf1 ${terms} ip4:192.0.2.3 -all`, 'A 192.0.2.8', 'MX example.net'],
  'eight.example.net': ['TXT v=spf1 a a a a a a a a', 'A 192.0.2.10'],
  [arpa4]: ['PTR none.example.net'],
})

table('the limits', [
  ['a redirect to itself', { 'example.net': ['TXT v=spf1 redirect=example.net'] }, 'u@example.net', 'permerror'],
  [
    'two that include each other',
    { 'example.net': ['TXT v=spf1 include:example.org'], 'example.org': ['TXT v=spf1 include:example.net'] },
    'u@example.net',
    'permerror',
  ],
  [
    'ten hosts of an MX',
    { ...hosts, 'example.net': ['TXT v=spf1 mx -all', ...eleven.slice(1).map(name => `MX ${name}`)] },
    'u@example.net',
    'pass',
  ],
  [
    'eleven hosts of an MX',
    { ...hosts, 'example.net': ['TXT v=spf1 mx -all', ...eleven.map(name => `MX ${name}`)] },
    'u@example.net',
    'permerror',
  ],
  [
    'ten names of a client',
    { ...hosts, [arpa4]: eleven.slice(1).map(name => `PTR ${name}`), 'example.net': ['TXT v=spf1 ptr'] },
    'u@example.net',
    'pass',
  ],
  [
    'eleven names of a client',
    { ...hosts, [arpa4]: eleven.map(name => `PTR ${name}`), 'example.net': ['TXT v=spf1 ptr'] },
    'u@example.net',
    'neutral',
  ],
  [
    'twelve addresses of a host',
    { 'example.net': ['TXT v=spf1 a -all', ...eleven.map((_, i) => `A 192.0.2.${100 + i}`), 'A 192.0.2.3'] },
    'u@example.net',
    'pass',
  ],
  ['ten terms', busy('a mx a mx a mx a mx a ptr'), 'u@example.net', 'pass'],
  ['eleven terms', busy('a mx a mx a mx a mx a ptr a'), 'u@example.net', 'permerror'],
  ['ten terms in all', busy('a include:eight.example.net'), 'u@example.net', 'pass'],
  ['eleven terms in all', busy('a include:eight.example.net a'), 'u@example.net', 'permerror'],
  ['terms that ask for nothing do not count', busy(`${'ip4:203.0.113.1 '.repeat(30)}`), 'u@example.net', 'pass'],
  [
    'two asked in vain',
    { 'example.net': ['TXT v=spf1 a:x.example.net exists:y.example.net ?all'] },
    'u@example.net',
    'neutral',
  ],
  [
    'three asked in vain',
    { 'example.net': ['TXT v=spf1 a:x.example.net mx:y.example.net a:z.example.net ?all'] },
    'u@example.net',
    'permerror',
  ],
  ['a client without names thrice', { 'example.net': ['TXT v=spf1 ptr ptr ptr ?all'] }, 'u@example.net', 'permerror'],
  [
    "an MX of hosts without the client's kind of address is not in vain",
    { 'example.net': ['TXT v=spf1 mx ip6:2001:db8::3', 'MX a.example.net', 'MX b.example.net', 'MX c.example.net'] },
    { client: '2001:db8::3', sender: 'u@example.net' },
    'pass',
  ],
])

test('the most that one check asks', () => {
  const names = eleven.slice(1)
  const terms = 'mx '.repeat(8)
  const zone: Zone = {
    ...Object.fromEntries(names.map(name => [name, ['A 203.0.113.1']])),
    [arpa4]: names.map(name => `PTR ${name}`),
    'example.net': [
      `TXT v=spf1 ${terms} ptr exists:%{p}.example.net -all exp=why.example.net`,
      ...names.map(name => `MX ${name}`),
    ],
    'why.example.net': ['TXT %{p}'],
  }
  const { groups, finding } = askSpf(zone, { sender: 'u@example.net' })
  assert.equal(finding.result, 'fail')
  assert.equal(groups.flat().length, 1 + 8 * 11 + 11 + 1 + 1)
})

test('an answer that failed to every question ends it', () => {
  for (const it of [{ sender: 'u@example.net' }, {}]) {
    const { finding } = askSpf({ 'example.net': ['silent'], 'mail.example.net': ['silent'] }, it)
    assert.equal(finding.result, 'temperror')
    assert.match(finding.problem ?? '', /^no answer: TXT of /)
  }
})

test('a finding tells whose domain, which mechanism and what was wrong', () => {
  const zone: Zone = {
    'Example.net': ['TXT v=spf1 include:other.example.net -ip4:192.0.2.0/24 +all'],
    'other.example.net': ['TXT v=spf1 ip4:203.0.113.1'],
    'mail.example.net': ['TXT v=spf1 a:x -all'],
  }
  assert.deepEqual(askSpf(zone, { sender: 'u@EXAMPLE.net' }).finding, {
    result: 'fail',
    domain: 'example.net',
    identity: 'mailfrom',
    mechanism: '-ip4:192.0.2.0/24',
    problem: null,
    explanation: null,
  })
  assert.deepEqual(askSpf(zone, {}).finding, {
    result: 'permerror',
    domain: 'mail.example.net',
    identity: 'helo',
    mechanism: null,
    problem: 'a:x: syntax (mail.example.net)',
    explanation: null,
  })
})
