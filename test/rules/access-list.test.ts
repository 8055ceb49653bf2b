import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccessListReader, parseAccessList } from '@sallyport/rules/access-list.js'
import { formatNetwork } from '@sallyport/rules/network.js'
import fc from 'fast-check'

const networksOf = (text: string) => parseAccessList(text).networks.map(formatNetwork)

test('one network a line; comments, blank lines, spaces and CRLF count for nothing', () => {
  const text = '# office\n192.0.2.1\n\n  198.51.100.0/24\t# partner\r\n2001:DB8::/32\r\n#\n   \n203.0.113.9'
  assert.deepEqual(networksOf(text), ['192.0.2.1/32', '198.51.100.0/24', '2001:db8::/32', '203.0.113.9/32'])
  assert.equal(parseAccessList(text).problemCount, 0)
  assert.equal(parseAccessList(text).lines, 8)
})

test('an empty list and a list with a byte order mark', () => {
  assert.deepEqual(parseAccessList(''), { networks: [], lines: 0, problems: [], problemCount: 0 })
  assert.deepEqual(networksOf('\ufeff192.0.2.1\n'), ['192.0.2.1/32'])
})

test('a wrong line is a problem with its number, and the others hold', () => {
  const { networks, problems } = parseAccessList('192.0.2.1\nmail.example # why\n\n192.0.2.7/24\n192.0.2.2')
  assert.equal(networks.length, 2)
  assert.deepEqual(problems, [
    { line: 2, text: 'mail.example', why: 'not an IP address or network' },
    { line: 4, text: '192.0.2.7/24', why: '192.0.2.7/24 has bits set below the prefix; the network is 192.0.2.0/24' },
  ])
})

test('a hostile line is shown cut and escaped', () => {
  const { problems } = parseAccessList(`\u001b[31m\\x\u{1f600}é${'a'.repeat(5000)}\n1.2.3.4 1.2.3.5`)
  assert.equal(problems[0]?.text, `\\u001b[31m\\u005cx\\ud83d\\ude00\\u00e9${'a'.repeat(50)}`)
  assert.equal(problems[1]?.line, 2)
})

test('only the first problems are kept, all are counted', () => {
  const { problems, problemCount } = parseAccessList('x\n'.repeat(1000))
  assert.deepEqual([problems.length, problemCount, problems[19]?.line], [20, 1000, 20])
})

test('a comment may be as long as it likes, and a line without end is no burden', () => {
  assert.deepEqual(networksOf(`192.0.2.1 #${'x'.repeat(100_000)}\n192.0.2.2`), ['192.0.2.1/32', '192.0.2.2/32'])
  const reader = new AccessListReader(() => assert.fail('no network'))
  for (let i = 0; i < 2000; i++) reader.feed('1'.repeat(1000))
  const { lines, problems } = reader.finish()
  assert.deepEqual([lines, problems], [1, [{ line: 1, text: '1'.repeat(60), why: 'not an IP address or network' }]])
})

test('any text in any pieces reads as it does in one', () => {
  const line = fc.constantFrom(
    '192.0.2.1',
    '198.51.100.0/24',
    '2001:db8::/32',
    '# x',
    '',
    'x',
    '10.0.0.1/8',
    ' '.repeat(1020),
  )
  const end = fc.constantFrom('\n', '\r\n', '\n\n', ' # y\n', '', ' '.repeat(1020))
  const texts = fc.array(fc.tuple(line, end), { maxLength: 30 }).map(list => list.flat().join(''))
  fc.assert(
    fc.property(texts, fc.array(fc.nat(400)), (text, cuts) => {
      const networks: string[] = []
      const reader = new AccessListReader(network => networks.push(formatNetwork(network)))
      let at = 0
      for (const cut of cuts) {
        reader.feed(text.slice(at, at + cut))
        at += cut
      }
      reader.feed(text.slice(at))
      const whole = parseAccessList(text)
      assert.deepEqual({ networks, ...reader.finish() }, { ...whole, networks: whole.networks.map(formatNetwork) })
    }),
  )
})
