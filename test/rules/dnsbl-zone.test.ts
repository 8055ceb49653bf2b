import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DnsblZone, distinctDomains, parseZone, readAnswer } from '@sallyport/rules/dnsbl-zone.js'
import fc from 'fast-check'

const zone = (text: string): DnsblZone => {
  const parsed = parseZone(text)
  assert.ok(!('problem' in parsed), text)
  return parsed
}
const one = (octet: number) => [{ from: octet, to: octet }]

test('a site of postscreen_dnsbl_sites is read with its pattern and weight', () => {
  assert.deepEqual(zone('zen.example.org'), {
    zone: 'zen.example.org',
    name: 'zen.example.org',
    weight: 1,
    answers: null,
  })
  assert.deepEqual(zone(' ZEN.Example.ORG.*3 '), {
    zone: 'zen.example.org',
    name: 'zen.example.org',
    weight: 3,
    answers: null,
  })
  assert.equal(zone('good.example*-4').weight, -4)
  assert.equal(zone('bad.example*+2').weight, 2)
  assert.deepEqual(zone('bl.example=127.0.0.2').answers, [one(127), one(0), one(0), one(2)])
  assert.deepEqual(zone('bl.example=127.0.[0;2..4].[0..255]*2'), {
    zone: 'bl.example',
    name: 'bl.example',
    weight: 2,
    answers: [
      one(127),
      one(0),
      [
        { from: 0, to: 0 },
        { from: 2, to: 4 },
      ],
      [{ from: 0, to: 255 }],
    ],
  })
})

test('what is no site is a problem', () => {
  const table: readonly [RegExp, readonly string[]][] = [
    [
      /domain/,
      [
        '',
        '*2',
        '=127.0.0.2',
        '.',
        'a..b',
        '.a',
        'a b',
        '-a.b',
        'a-.b',
        'a.b..',
        `${'a'.repeat(64)}.b`,
        'bücher.example',
        Array.from({ length: 48 }, () => 'abc').join('.'),
      ],
    ],
    [/weight/, ['a*', 'a*0', 'a*x', 'a*1.5', 'a*1001', 'a*-1001', 'a*1*2', 'a* 1', 'a*99999']],
    [
      /octets/,
      [
        'a=',
        'a=127',
        'a=127.0.0',
        'a=127.0.0.2.3',
        'a=127.0.0.256',
        'a=127.0.0.[]',
        'a=127.0.0.[4..2]',
        'a=127.0.0.[1;]',
        'a=127.0.0.[1,2]',
        'a=127.0.0.1..2',
        'a=127.0.0.[1...2]',
        'a=127.0.0.[1..2..3]',
        'a=127.0.0.2=3',
        'a=127.0.0.[2',
        'a=127.0.0.[2].',
      ],
    ],
    [/no answer can match/, ['a=126.0.0.2', 'a=127.0.0.1', 'a=127.255.255.[0..255]', 'a=[1..126].0.0.2']],
  ]
  for (const [expected, texts] of table) {
    for (const text of texts) {
      const parsed = parseZone(text)
      assert.match('problem' in parsed ? parsed.problem : 'none', expected, text)
    }
  }
})

test('a hostile site of any length is answered at once', () => {
  for (const text of [
    '['.repeat(100_000),
    `a=127.0.0.[${'1;'.repeat(100_000)}`,
    `${'a.'.repeat(100_000)}*`,
    `a${'='.repeat(100_000)}`,
  ]) {
    assert.ok('problem' in parseZone(text))
  }
})

test('answers: only 127/8 lists, codes of refusal never do, a pattern narrows', () => {
  const table: readonly [string, string, ReturnType<typeof readAnswer>][] = [
    ['a', '127.0.0.2', 'listed'],
    ['a', '127.1.2.3', 'listed'],
    ['a', '127.0.0.0', 'listed'],
    ['a', '127.0.0.1', 'error'],
    ['a', '127.255.255.254', 'error'],
    ['a', '127.255.255.0', 'error'],
    ['a', '127.255.254.1', 'listed'],
    ['a', '126.0.0.2', 'error'],
    ['a', '128.0.0.2', 'error'],
    ['a', '192.0.2.1', 'error'],
    ['a', '0.0.0.0', 'error'],
    ['a', '::1', 'error'],
    ['a', 'nonsense', 'error'],
    ['a=127.0.0.[2;4..8]', '127.0.0.2', 'listed'],
    ['a=127.0.0.[2;4..8]', '127.0.0.3', 'not_listed'],
    ['a=127.0.0.[2;4..8]', '127.0.0.4', 'listed'],
    ['a=127.0.0.[2;4..8]', '127.0.0.8', 'listed'],
    ['a=127.0.0.[2;4..8]', '127.0.0.9', 'not_listed'],
    ['a=127.0.0.[2;4..8]', '127.0.1.2', 'not_listed'],
    ['a=127.0.0.[2;4..8]', '127.1.0.2', 'not_listed'],
    ['a=127.[0..255].[0..255].[0..255]', '127.0.0.1', 'error'],
    ['a=127.[0..255].[0..255].[0..255]', '127.255.255.254', 'error'],
    ['a=[0..255].0.0.2', '1.0.0.2', 'error'],
  ]
  for (const [site, answer, expected] of table)
    assert.equal(readAnswer(zone(site), answer), expected, `${site} ${answer}`)
})

test('any pattern and any answer: refusals, 127.0.0.1 and what is outside 127/8 never list', () => {
  const octet = fc.oneof(fc.constantFrom(0, 1, 2, 127, 255), fc.nat(255))
  const pattern = fc.oneof(
    octet.map(String),
    fc.tuple(octet, octet).map(([a, b]) => `[${Math.min(a, b)}..${Math.max(a, b)}]`),
  )
  const site = fc
    .option(fc.tuple(pattern, pattern, pattern))
    .map(parts => (parts ? `a=[0..255].${parts.join('.')}` : 'a'))
  fc.assert(
    fc.property(site, octet, octet, octet, octet, (text, a, b, c, d) => {
      const parsed = parseZone(text)
      fc.pre(!('problem' in parsed))
      const mustNot = a !== 127 || (b === 255 && c === 255) || (b === 0 && c === 0 && d === 1)
      assert.equal(readAnswer(parsed, `${a}.${b}.${c}.${d}`) === 'error', mustNot)
    }),
    { numRuns: 1000 },
  )
})

test('each domain is asked once', () => {
  const zones = ['b.example*2', 'a.example', 'B.example=127.0.0.4*3'].map(zone)
  assert.deepEqual(distinctDomains(zones), ['b.example', 'a.example'])
})
