import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Line, LineReader } from '@sallyport/proxy/smtp/line.js'
import fc from 'fast-check'
import { cutAt, runs } from '../../support/properties.ts'

const limit = 8
const octets = (text: string) => Buffer.from(text, 'latin1')
const line = (text: string, marks: Partial<Line> = {}): Line => ({ text, bare: false, tooLong: false, ...marks })
const bare = (text: string) => line(text, { bare: true })
const tooLong = (text: string) => line(text, { tooLong: true })

/** What comes; the lines in it, eight octets at most. */
const rows: readonly (readonly [came: string, lines: readonly Line[]])[] = [
  ['', []],
  ['QUIT\r\n', [line('QUIT')]],
  ['QUIT', []],
  ['QUIT\r', []],
  ['\r\n', [line('')]],
  ['\n', [bare('')]],
  ['\r', []],
  ['A\nB\r\n', [bare('A'), line('B')]],
  ['A\n\nB', [bare('A'), bare('')]],
  // A CR inside belongs to the line, and so does every one but the last before the LF.
  ['A\rB\r\n', [line('A\rB')]],
  ['A\r\r\n', [line('A\r')]],
  ['A\0B\r\n\x80\xff\r\n', [line('A\0B'), line('\x80\xff')]],
  // Eight octets are a line; nine are not, whatever ends them.
  ['12345678\r\n', [line('12345678')]],
  ['12345678\n', [bare('12345678')]],
  ['1234567\r\r\n', [line('1234567\r')]],
  ['12345678\r', []],
  ['123456789\r\nOK\r\n', [tooLong('123456789'), line('OK')]],
  ['123456789\nOK\r\n', [line('123456789', { bare: true, tooLong: true }), line('OK')]],
  ['1234567890123\nOK\n', [tooLong('123456789'), bare('OK')]],
  ['12345678\r9\r\n', [tooLong('12345678\r')]],
  ['1234567890', []],
]

function linesOf(reader: LineReader): Line[] {
  const lines: Line[] = []
  for (let next = reader.takeLine(); next !== null; next = reader.takeLine()) lines.push(next)
  return lines
}

for (const [came, lines] of rows) {
  test(`lines of ${JSON.stringify(came)}`, () => {
    const whole = new LineReader(limit)
    whole.push(octets(came))
    assert.equal(whole.pending, came.length)
    assert.deepEqual(linesOf(whole), lines)
    assert.deepEqual([whole.pending, whole.hopeless], [0, false])

    const single = new LineReader(limit)
    const taken: Line[] = []
    for (const octet of octets(came)) {
      single.push(new Uint8Array([octet]))
      taken.push(...linesOf(single))
    }
    assert.deepEqual(taken, lines, 'byte by byte')

    const late = new LineReader(limit)
    for (const octet of octets(came)) late.push(new Uint8Array([octet]))
    assert.deepEqual(linesOf(late), lines, 'byte by byte, read at last')
  })
}

test('lines do not depend on how they are cut', () => {
  // Invariant: the lines, and what is pending behind each, are the same for every cut of the same octets.
  const text = fc
    .array(fc.constantFrom('\r', '\n', '\r\n', 'A', 'BCDEF', '\0', '12345678'), { maxLength: 30 })
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 10 }), (came, places) => {
      const whole = new LineReader(limit)
      whole.push(octets(came))
      const pieces = new LineReader(limit)
      let at = 0
      for (const place of [...cutAt(came, places), came.length]) {
        pieces.push(octets(came.slice(at, place)))
        at = place
      }
      for (;;) {
        assert.equal(pieces.hasTalk(), whole.hasTalk())
        const taken = whole.takeLine()
        assert.deepEqual(pieces.takeLine(), taken)
        assert.equal(pieces.pending, whole.pending)
        if (taken === null) return
      }
    }),
    runs(5_000),
  )
})

test('what is left is taken as a chunk, and put back', () => {
  const reader = new LineReader(limit)
  reader.push(octets('DATA\r\nab.'))
  reader.push(octets('\r\nRSET\r\nX'))
  assert.equal(reader.takeLine()?.text, 'DATA')
  let text = ''
  for (let chunk = reader.takeChunk(); chunk !== null; chunk = reader.takeChunk())
    text += Buffer.from(chunk).toString('latin1')
  assert.equal(text, 'ab.\r\nRSET\r\nX')
  assert.equal(reader.pending, 0)
  reader.putBack(new Uint8Array(0))
  assert.equal(reader.takeChunk(), null)
  reader.push(octets('behind\r\n'))
  reader.putBack(octets('RSET\r\n'))
  assert.equal(reader.pending, 14)
  assert.deepEqual(
    linesOf(reader).map(({ text }) => text),
    ['RSET', 'behind'],
  )
})

test('octets are put back in front of a line that has been begun to be read', () => {
  const reader = new LineReader(limit)
  reader.push(octets('A\r\nB\r\n'))
  assert.equal(reader.takeLine()?.text, 'A')
  reader.putBack(octets('C\r\n'))
  assert.deepEqual(
    linesOf(reader).map(({ text }) => text),
    ['C', 'B'],
  )
})

test('stray CR and LF are no talk; anything else is, wherever it stands', () => {
  const reader = new LineReader(limit)
  assert.equal(reader.hasTalk(), false)
  reader.push(octets('\r\n\r'))
  assert.equal(reader.hasTalk(), false)
  reader.push(octets('\n'))
  assert.equal(reader.hasTalk(), false)
  reader.push(octets('\n X'))
  assert.equal(reader.hasTalk(), true)
  assert.equal(reader.hasTalk(), true)
  linesOf(reader)
  assert.equal(reader.hasTalk(), false, 'a line that has begun is no longer waiting')
  reader.push(octets('\r\n'))
  assert.equal(reader.hasTalk(), false)
  reader.putBack(octets('Y'))
  assert.equal(reader.hasTalk(), true)
  reader.clear()
  assert.equal(reader.hasTalk(), false)
})

test('a look at what waits takes nothing', () => {
  const reader = new LineReader(limit)
  assert.equal(reader.peek(5), '')
  reader.push(octets('A\r\nGET / HTTP\xff\r\n'))
  reader.takeLine()
  assert.equal(reader.peek(5), 'GET /')
  assert.equal(reader.peek(100), 'GET / HTTP\xff\r\n')
  assert.equal(reader.pending, 13)
})

test('an endless line is hopeless, and costs no more memory than its limit', () => {
  const reader = new LineReader(limit)
  const chunk = octets('A'.repeat(1000))
  for (let i = 0; i < 66; i++) {
    reader.push(chunk)
    assert.equal(reader.takeLine(), null)
    assert.equal(reader.pending, 0)
  }
  assert.equal(reader.hopeless, true)
  reader.push(octets('\r\n'))
  assert.deepEqual(reader.takeLine(), tooLong('AAAAAAAAA'))
  assert.equal(reader.hopeless, false)
})

test('an octet a packet costs an octet, and a look at it no time', () => {
  const reader = new LineReader(limit)
  const started = process.cpuUsage().user
  for (let i = 0; i < 60_000; i++) {
    // A piece of the size of a read, as the socket gives it.
    reader.push(new Uint8Array(Buffer.alloc(1, '\n')))
    assert.equal(reader.hasTalk(), false)
  }
  assert.equal(reader.pending, 60_000)
  // 60,000 looks at up to 60,000 octets would be 1.8 thousand million steps.
  assert.ok(process.cpuUsage().user - started < 1_500_000)
  let pieces = 0
  for (let chunk = reader.takeChunk(); chunk !== null; chunk = reader.takeChunk()) pieces++
  assert.ok(pieces < 40, `${pieces} pieces`)
})

test('a taken line does not keep its chunk alive', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const gone = new FinalizationRegistry<string>(name => collected.push(name))
  const collected: string[] = []
  const reader = new LineReader(2048)
  const kept = (() => {
    const chunk = new Uint8Array(
      Buffer.from(`MAIL FROM:<a@b.example> ${'X'.repeat(1000)}\r\nRCPT TO:<b@c.example>\r\n`),
    )
    gone.register(chunk, 'chunk')
    reader.push(chunk)
    return [reader.takeLine(), reader.takeLine()]
  })()
  for (let i = 0; i < 20 && collected.length === 0; i++) {
    collectGarbage()
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.deepEqual(collected, ['chunk'])
  assert.equal(kept[1]?.text, 'RCPT TO:<b@c.example>')
})
