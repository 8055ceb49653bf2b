import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderReader } from '@sallyport/proxy/smtp/header.js'
import fc from 'fast-check'
import { cutAt, runs } from '../../support/properties.ts'

const good = 'From: a@example.org\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n'

/** The faults of a message in pieces cut at `cuts`, ascending. */
function faultsOf(text: string, cuts: readonly number[] = [], utf8 = false): readonly string[] {
  const header = new HeaderReader()
  const octets = Buffer.from(text, 'latin1')
  let from = 0
  for (const to of [...cuts, octets.length]) {
    header.read(octets.subarray(from, to))
    from = to
  }
  return header.faults(utf8)
}

const rows: readonly (readonly [text: string, faults: readonly string[]])[] = [
  [`${good}\r\ntext\r\n`, []],
  [good, []],
  [`${good}Subject: one\r\n two\r\n\tthree\r\n\r\n\xff: text\r\n`, []],
  [`from : a@example.org\r\nDATE:\r\nX-Any-Thing!: b\r\n\r\n`, []],
  ['From: a@example.org\nDate: now\n\ntext\n', []],
  ['', ['no header']],
  ['\r\n', ['no header']],
  ['hello\r\n\r\n', ['no header']],
  [' From: a@example.org\r\nDate: now\r\n\r\n', ['no header']],
  ['From a@example.org Sat Nov 21 10:00:00 2026\r\nDate: now\r\n\r\n', ['no header']],
  ['Subject: hello\r\n\r\nFrom: a\r\nDate: b\r\n', ['no From', 'no Date']],
  [
    `${good}Subject: a\r\nsubject: b\r\nTo: a\r\nTo: b\r\nDate: c\r\n\r\n`,
    ['several Date', 'several To', 'several Subject'],
  ],
  [`${good}Received: a\r\nReceived: b\r\n\r\n`, []],
  [`${good}X: ${'x'.repeat(995)}\r\n\r\n`, []],
  [`${good}X: ${'x'.repeat(996)}\r\n\r\n`, ['a line of 999 octets']],
  [`${good}Subject: \xe4\r\n\r\n`, ['8-bit octets']],
  [`${good}hello world\r\nTo: a\r\nTo: b\r\n\r\n`, ['no field: hello world']],
  [`From: a\r\n${'x'.repeat(200)}\r\n\r\n`, ['no Date', `no field: ${'x'.repeat(100)}`]],
]

for (const [text, faults] of rows) {
  test(`header ${JSON.stringify(text.slice(0, 60))}: ${faults.map(fault => fault.slice(0, 40)).join('; ') || 'in order'}`, () => {
    assert.deepEqual(faultsOf(text), faults)
    for (let cut = 1; cut < text.length; cut++) assert.deepEqual(faultsOf(text, [cut]), faults, `cut at ${cut}`)
  })
}

test('8-bit octets are in order where the transaction is one of RFC 6531', () => {
  assert.deepEqual(faultsOf(`${good}Subject: \xc3\xa4\r\n\r\n`, [], true), [])
})

test('of a header of more than 64 KiB nothing is missing, and the rest is not read', () => {
  const header = new HeaderReader()
  assert.equal(header.read(Buffer.from('X: y\r\n'.repeat(20_000))), true)
  assert.deepEqual(header.faults(false), [])
  const endless = new HeaderReader()
  let given = 0
  while (!endless.read(Buffer.alloc(1000, 'x'))) given += 1000
  assert.ok(given <= 65_536, `${given} octets`)
  assert.deepEqual(endless.faults(false), ['no header', 'a line of 65536 octets'])
})

const parts = [
  'From: a',
  'Date: b',
  'To: c',
  'Subject',
  ': ',
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  'x',
  '\xe4',
  ':',
  'x'.repeat(500),
]
const message = fc.array(fc.constantFrom(...parts), { maxLength: 30 }).map(some => some.join(''))

test('what is found at the bound does not depend on cuts either', () => {
  for (const text of [`${good}${'X: y\r\n'.repeat(10_913)}`, `From: a\r\nX: ${'y'.repeat(70_000)}\r\nDate: b\r\n`]) {
    const whole = faultsOf(text)
    for (let cut = 65_500; cut < 65_560; cut++) assert.deepEqual(faultsOf(text, [1, cut]), whole, `cut at ${cut}`)
  }
})

// Invariant: what is found in a header depends on its octets and never on the packets in which they come.
test('any header and any cuts', () =>
  fc.assert(
    fc.property(message, fc.array(fc.nat(3000), { maxLength: 8 }), (text, places) =>
      assert.deepEqual(faultsOf(text, cutAt(text, places)), faultsOf(text)),
    ),
    runs(5_000),
  ))
