import assert from 'node:assert/strict'
import test from 'node:test'
import { commonKeywords, uncommonKeywords } from '@sallyport/proxy/backends/common-keywords.js'
import fc from 'fast-check'
import { runs } from '../../support/properties.ts'

const cases: readonly (readonly [what: string, offers: readonly (readonly string[])[], common: readonly string[]])[] = [
  ['nobody', [], []],
  ['one server', [['SIZE 5', 'X y']], ['SIZE 5', 'X y']],
  ['the smallest size', [['SIZE 500'], ['size 300'], ['SIZE']], ['SIZE 300']],
  ['no limit is larger than any', [['SIZE 0'], ['SIZE 300']], ['SIZE 300']],
  ['no limit anywhere', [['SIZE'], ['SIZE 0']], ['SIZE 0']],
  [
    'what all have, in any case',
    [
      ['8BITMIME', 'DSN', 'SMTPUTF8'],
      ['smtputf8', '8BITMIME'],
    ],
    ['8BITMIME', 'SMTPUTF8'],
  ],
  ['mechanisms that all have', [['AUTH PLAIN LOGIN'], ['AUTH login CRAM-MD5']], ['AUTH LOGIN']],
  ['no mechanism in common', [['AUTH PLAIN'], ['AUTH CRAM-MD5']], []],
  [
    'the form of old servers by itself',
    [
      ['AUTH PLAIN', 'AUTH=PLAIN'],
      ['AUTH=PLAIN', 'AUTH PLAIN LOGIN'],
    ],
    ['AUTH PLAIN', 'AUTH=PLAIN'],
  ],
  ['the form of old servers, of one only', [['AUTH=PLAIN'], ['AUTH PLAIN']], []],
  [
    'parameters that differ',
    [
      ['DELIVERBY 240', 'MT-PRIORITY MIXER'],
      ['DELIVERBY', 'MT-PRIORITY  mixer'],
    ],
    ['MT-PRIORITY MIXER'],
  ],
]

for (const [what, offers, common] of cases) {
  test(`common keywords: ${what}`, () => assert.deepEqual(commonKeywords(offers), common))
}

const word = fc.constantFrom(
  'SIZE 10',
  'SIZE',
  'DSN',
  'dsn',
  'AUTH PLAIN LOGIN',
  'AUTH LOGIN',
  'AUTH=LOGIN',
  'X 1',
  'X 2',
)
const offersOfSome = fc.array(fc.uniqueArray(word, { selector: text => text.split(/[ =]/)[0]?.toUpperCase() }), {
  minLength: 1,
  maxLength: 4,
})

// Invariant: every keyword that is told is offered by all, whoever is asked first, and a server more never adds one.
const isCommon = fc.property(offersOfSome, offers => {
  const names = (lines: readonly string[]) => lines.map(line => line.split(/[ =]/)[0]?.toUpperCase()).sort()
  const common = names(commonKeywords(offers))
  for (const offer of offers) assert.ok(common.every(name => names(offer).includes(name)))
  assert.deepEqual(names(commonKeywords(offers.toReversed())), common)
  const fewer = offers.length > 1 ? offers.slice(1) : offers
  assert.ok(common.every(name => names(commonKeywords(fewer)).includes(name)))
})

test('common keywords: what is told is offered by all', () => fc.assert(isCommon, runs(300)))

test('uncommon: what some have and not all, but for the line that all are offered', () => {
  const offers = [
    ['SIZE 500', 'DSN', 'AUTH PLAIN LOGIN', 'CHUNKING'],
    ['size 300', 'dsn', 'AUTH PLAIN'],
  ]
  assert.deepEqual(uncommonKeywords(offers), [['SIZE 500', 'AUTH PLAIN LOGIN', 'CHUNKING'], []])
  assert.deepEqual(uncommonKeywords([['SIZE'], ['SIZE']]), [[], []])
  assert.deepEqual(uncommonKeywords([['DSN', 'VRFY']]), [[]])
  assert.deepEqual(uncommonKeywords([]), [])
})
