import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageReader } from '@sallyport/proxy/smtp/message.js'
import fc from 'fast-check'
import { assertOneEnd, checkMessage, gullibleEnds, loneDots, readThrough, texts } from '../../support/message-model.ts'
import { isTheSameMessage, runs } from '../../support/properties.ts'

/** What comes behind the 354, what goes on to the backend, what is left behind the end (null: it has not come). */
const rows: readonly (readonly [came: string, out: string, rest: string | null])[] = [
  ['.\r\n', '', ''],
  ['a\r\n.\r\n', 'a\r\n', ''],
  ['a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n'],
  ['a\r\n.\r\n.\r\n', 'a\r\n', '.\r\n'],
  ['..\r\n.\r\n', '..\r\n', ''],
  ['..a\r\n.a\r\n.\r\n', '..a\r\n.a\r\n', ''],
  ['a\r\n.', 'a\r\n', null],
  ['a\r\n.\r', 'a\r\n', null],
  ['a', 'a', null],
  ['a\r', 'a', null],
  // The nine ways to smuggle an end past a reader that is not strict.
  ['a\n.\nB\r\n.\r\n', 'a\r\n..\r\nB\r\n', ''],
  ['a\n.\r\nB\r\n.\r\n', 'a\r\n..\r\nB\r\n', ''],
  ['a\r\n.\nB\r\n.\r\n', 'a\r\n\r\nB\r\n', ''],
  ['a\r.\rB\r\n.\r\n', 'a\r\n..\r\nB\r\n', ''],
  ['a\r.\r\nB\r\n.\r\n', 'a\r\n..\r\nB\r\n', ''],
  ['a\r\n.\rB\r\n.\r\n', 'a\r\n\r\nB\r\n', ''],
  ['a\r\n.\r\r\nB\r\n.\r\n', 'a\r\n\r\n\r\nB\r\n', ''],
  ['a\n\r.\r\nB\r\n.\r\n', 'a\r\n\r\n..\r\nB\r\n', ''],
  ['a\r\r\n.\r\nB', 'a\r\n\r\n', 'B'],
  // NUL is content for the client, and nothing for the backend: it makes no end and hides none.
  ['a\r\n\0.\r\nB\r\n.\r\n', 'a\r\n..\r\nB\r\n', ''],
  ['a\r\n.\0\r\nB\r\n.\r\n', 'a\r\n\r\nB\r\n', ''],
  ['a\r\n.\r\0\nB\r\n.\r\n', 'a\r\n\r\n\r\nB\r\n', ''],
  ['a\r\0\n.\r\nB\r\n.\r\n', 'a\r\n\r\n..\r\nB\r\n', ''],
  ['a\r\n.\0.\r\nB\r\n.\r\n', 'a\r\n..\r\nB\r\n', ''],
  ['\0\0.\r\n.\r\n', '..\r\n', ''],
  ['a\0b\0\0c\r\n.\r\nR\0ST', 'abc\r\n', 'R\0ST'],
  ['\x80\xff\r\n.\r\n', '\x80\xff\r\n', ''],
]

for (const [came, out, rest] of rows) {
  test(`message ${JSON.stringify(came)}`, () => {
    for (const cuts of [[], Array.from({ length: came.length - 1 }, (_, i) => i + 1)]) {
      assert.deepEqual(readThrough(came, cuts), { out, rest })
    }
    for (let cut = 1; cut < came.length; cut++)
      assert.deepEqual(readThrough(came, [cut]), { out, rest }, `cut at ${cut}`)
  })
}

test('a clean message goes on in slices of what came', () => {
  const octets = Buffer.from(`${'one\r\ntwo\r\n'.repeat(100)}..three\r\n${'four\r\n'.repeat(100)}`)
  const pieces: Uint8Array[] = []
  new MessageReader().read(octets, pieces)
  for (const piece of pieces.filter(piece => piece.length > 2)) assert.ok(piece.buffer === octets.buffer)
  assert.equal(Buffer.concat(pieces).toString(), octets.toString())
})

test('however much is mended, a chunk goes on in few pieces', () => {
  for (const line of ['\n', 'a\n', '\r', 'a\0', '\n.', `${'a'.repeat(300)}\n`]) {
    const octets = Buffer.from(line.repeat(65_536 / line.length))
    const pieces: Uint8Array[] = []
    new MessageReader().read(octets, pieces)
    assert.ok(pieces.length < 500, `${pieces.length} pieces of ${JSON.stringify(line.slice(-4))}`)
  }
})

test('bare newlines and NULs are counted, octets given on too', () => {
  const reader = new MessageReader()
  const pieces: Uint8Array[] = []
  reader.read(Buffer.from('a\nb\rc\0\0\r\n.\n.\r\n'), pieces)
  assert.equal(reader.bareNewlines, 3)
  assert.equal(reader.nuls, 2)
  assert.equal(reader.octets, Buffer.concat(pieces).length)
})

// What comes, and the dot in it that some server takes for an end; null: no server does.
const lone: readonly (readonly [came: string, dot: string | null])[] = [
  ['a\n.\nb', '\n.\n'],
  ['a\n.\r\nb', '\n.\r\n'],
  ['a\r\n.\nb', '\r\n.\n'],
  ['a\r\n.\rb', '\r\n.\r'],
  ['a\r.\rb', '\r.\r'],
  ['a\r.\r\nb', '\r.\r\n'],
  ['a\r\r\n.\r\r\nb', '\r\n.\r'],
  ['a\n.\rb', '\n.\r'],
  ['a\r.\nb', '\r.\n'],
  ['a\r\n\0.\r\nb', '\r\n\0.\r\n'],
  ['a\n\n.\r\nb', '\n.\r\n'],
  ['.\nb', '\r\n.\n'],
  ['a\r\n.\0\0\r\nb', '\r\n.\0\r\n'],
  ['a\n\0\0.\0\nb', '\n\0.\0\n'],
  ['a\n..\nb', null],
  ['a\r\n.\0.\r\nb', null],
  ['a\n. \nb', null],
  ['a\n.b\n', null],
  ['a\r\n..\r\nb', null],
]

test('dots alone between newlines of which one is bare are told, at every cut', () => {
  for (const [came, dot] of lone) {
    const text = `${came}\r\n.\r\n`
    assert.equal(loneDots(text).first, dot, JSON.stringify(came))
    for (let cut = 1; cut < text.length; cut++) {
      const reader = new MessageReader()
      readThrough(text, [cut], reader)
      assert.equal(reader.firstLoneDot, dot, `${JSON.stringify(came)} cut at ${cut}`)
    }
  }
})

test('what is discarded is read to its true end', () => {
  const reader = new MessageReader()
  reader.discarding = true
  const pieces: Uint8Array[] = []
  const octets = Buffer.from('a\n.\nb\r\n.\r\nQUIT\r\n')
  assert.equal(reader.read(octets, pieces), octets.indexOf('QUIT'))
  assert.deepEqual([pieces.length, reader.octets, reader.ended], [0, 0, true])
})

test('the gullible readers are gullible', () => {
  for (const end of ['\n.\n', '\r.\r', '\r\n.\n', '\n.\r\n', '\r\n.\r', '\r.\r\n', '\r\n\0.\r\n', '\r\n.\0\r\n'])
    assert.ok(gullibleEnds(`a${end}b\r\n`).length > 0, JSON.stringify(end))
  assert.throws(() => assertOneEnd('a\r\n.\r\nb\r\n.\r\n', 'two ends'))
  assert.deepEqual(gullibleEnds('a\r\n..\r\n. \r\n'), [])
})

test('every text of CR, LF, dot, A and NUL up to six octets, and every cut of the short ones', () => {
  const alphabet = ['\r', '\n', '.', 'A', '\0']
  for (let length = 0; length <= 6; length++) {
    for (const text of texts(alphabet, length)) {
      // Both as a beginning, and as what stands in a line before the true end.
      for (const whole of [text, `A${text}\r\n.\r\n`]) {
        checkMessage(whole, [])
        for (let cut = 1; length <= 5 && cut < whole.length; cut++) checkMessage(whole, [cut])
      }
    }
  }
})

test('any octets and any cuts', () => fc.assert(isTheSameMessage, runs(20_000)))
