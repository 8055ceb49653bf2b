import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ehloReply, filterEhlo, keywordLines, keywordOf, offered, type View } from '@sallyport/proxy/smtp/keywords.js'

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
  'X_PIPE_CONNECT',
  'PRDR',
  'TURN',
  'ATRN',
  'REQUIRETLS',
]
const passed = [
  'SIZE 10240000',
  'VRFY',
  'ETRN',
  'ENHANCEDSTATUSCODES',
  '8BITMIME',
  'DSN',
  'SMTPUTF8',
  'CHUNKING',
  'BINARYMIME',
]

const nothing: View = { pipelining: false, starttls: 'none', auth: false, tls: false, withhold: new Set() }
const view = (some: Partial<View>): View => ({ ...nothing, ...some })

test('what a backend offers that the gate cannot carry is not passed on', () => {
  assert.deepEqual(offered(everything, nothing), passed)
  const small = everything.map(line => line.toLowerCase())
  assert.deepEqual(
    offered(small, nothing),
    passed.map(line => line.toLowerCase()),
  )
  assert.deepEqual(offered([], view({ pipelining: true })), [])
})

test('the rest goes to whom it is due', () => {
  const more = (some: Partial<View>) => offered(everything, view(some)).filter(line => !passed.includes(line))
  assert.deepEqual(more({ pipelining: true }), ['PIPELINING'])
  assert.deepEqual(more({ starttls: 'backend' }), ['STARTTLS'])
  assert.deepEqual(more({ auth: true }), ['AUTH PLAIN LOGIN', 'AUTH=PLAIN LOGIN'])
  assert.deepEqual(more({ tls: true }), ['REQUIRETLS'])
  assert.deepEqual(offered(['DSN'], view({ starttls: 'own' })), ['DSN', 'STARTTLS'])
  assert.deepEqual(offered(['DSN'], view({ starttls: 'backend' })), ['DSN'])
})

test('the operator keeps back what he likes', () => {
  const withhold = new Set(['CHUNKING', 'STARTTLS', 'DSN'])
  assert.deepEqual(offered(['CHUNKING', 'dsn', 'SIZE 1'], view({ withhold, starttls: 'own' })), ['SIZE 1'])
})

test('a login that needs the TLS of the client is not offered, because it ends at the gate', () => {
  const rows = [
    ['AUTH PLAIN EXTERNAL LOGIN', ['AUTH PLAIN LOGIN']],
    ['AUTH=SCRAM-SHA-256-PLUS SCRAM-SHA-256', ['AUTH=SCRAM-SHA-256']],
    ['auth external', []],
    ['AUTH', []],
  ] as const
  for (const [line, expected] of rows) assert.deepEqual(offered([line], view({ auth: true })), expected)
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
  assert.equal(filterEhlo(reply('mx at your service', ...everything), nothing), ehloReply('mx at your service', passed))
  assert.equal(filterEhlo(reply('mx', 'STARTTLS'), view({ pipelining: true })), '250 mx\r\n')
  assert.equal(filterEhlo({ code: 250, text: '250\r\n' }, nothing), '250 \r\n')
  assert.equal(ehloReply('mx', ['A', 'B 1']), '250-mx\r\n250-A\r\n250 B 1\r\n')
})
