import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ehloReply, filterEhlo, keywordLines, keywordOf, offered } from '@sallyport/proxy/smtp/keywords.js'

const reply = (...lines: string[]) => ({
  code: 250,
  text: lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''),
})

const everything = [
  'PIPELINING',
  'SIZE 10240000',
  'VRFY',
  'ETRN',
  'STARTTLS',
  'AUTH PLAIN LOGIN',
  'AUTH=PLAIN LOGIN',
  'XCLIENT NAME ADDR',
  'XFORWARD NAME ADDR',
  'ENHANCEDSTATUSCODES',
  '8BITMIME',
  'DSN',
  'SMTPUTF8',
  'CHUNKING',
  'BINARYMIME',
  'BURL imap',
  'PIPECONNECT',
  'PRDR',
  'TURN',
  'ATRN',
  'REQUIRETLS',
]
const passed = ['SIZE 10240000', 'VRFY', 'ENHANCEDSTATUSCODES', '8BITMIME', 'DSN', 'SMTPUTF8']

test('what a backend offers that the gate cannot carry is not passed on; PIPELINING to whom it is due', () => {
  assert.deepEqual(offered(everything, false), passed)
  assert.deepEqual(offered(everything, true), ['PIPELINING', ...passed])
  const small = everything.map(line => line.toLowerCase())
  assert.deepEqual(
    offered(small, false),
    passed.map(line => line.toLowerCase()),
  )
  assert.deepEqual(offered([], true), [])
})

test('the keyword of a line', () => {
  const rows = [
    ['SIZE 1', 'SIZE'],
    ['size', 'SIZE'],
    ['AUTH=LOGIN', 'AUTH'],
    ['', ''],
  ] as const
  for (const [line, keyword] of rows) assert.equal(keywordOf(line), keyword)
})

test('the lines of a reply without its first, as they were written', () => {
  assert.deepEqual(keywordLines(reply('mx.example hello', 'Size 1', ' 8BITMIME ', '')), ['Size 1', '8BITMIME'])
  assert.deepEqual(keywordLines({ code: 250, text: '250 mx\r\n' }), [])
  assert.deepEqual(keywordLines({ code: 250, text: '250-mx\r\n250\r\n' }), [])
  assert.equal(keywordLines(reply('mx', ...Array(90).fill('X'))).length, 50)
  assert.deepEqual(keywordLines(reply('mx', 'X'.repeat(501), 'Y'.repeat(500))), ['Y'.repeat(500)])
})

test("a backend's reply keeps its first line and ends where it should", () => {
  assert.equal(filterEhlo(reply('mx at your service', ...everything), false), ehloReply('mx at your service', passed))
  assert.equal(filterEhlo(reply('mx', 'STARTTLS'), true), '250 mx\r\n')
  assert.equal(filterEhlo({ code: 250, text: '250\r\n' }, true), '250 \r\n')
  assert.equal(ehloReply('mx', ['A', 'B 1']), '250-mx\r\n250-A\r\n250 B 1\r\n')
})
