import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LineReader } from '@sallyport/proxy/smtp/line.js'
import { ReplyReader } from '@sallyport/proxy/smtp/reply.js'
import { Unfinished } from '@sallyport/proxy/smtp/unfinished.js'
import fc from 'fast-check'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const x = Uint8Array.of(0x78)
const many = 100

/** Octets that each of many readers holds, once it has been fed so many octets one at a time. */
function heldBy(octets: number, make: () => (octets: Uint8Array) => void): number {
  const held = () => {
    for (let time = 0; time < 2; time++) collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const feeds: ((octets: Uint8Array) => void)[] = []
  const before = held()
  for (let n = 0; n < many; n++) {
    const feed = make()
    for (let fed = 0; fed < octets; fed++) feed(x)
    feeds.push(feed)
  }
  const each = (held() - before) / many
  // Until here they are all in use.
  for (const feed of feeds) feed(x)
  return each
}

test('a line or a reply that comes an octet at a time is held in about as many octets', () => {
  const limit = 12_288
  const line = heldBy(limit, () => {
    const reader = new LineReader(limit)
    return octets => {
      reader.push(octets)
      assert.equal(reader.takeLine(), null)
    }
  })
  assert.ok(line < 3 * limit, `${line} octets for ${limit}`)
  const reply = heldBy(4_000, () => {
    const reader = new ReplyReader()
    return octets => assert.deepEqual(reader.read(octets), [])
  })
  assert.ok(reply < 3 * 4_000, `${reply} octets for 4000`)
})

test('what was appended is taken, octet for octet, and then there is nothing', () => {
  // Invariant: take() gives all pieces in order, and the length is theirs until then.
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), pieces => {
      const unfinished = new Unfinished()
      for (const piece of pieces) unfinished.append(piece, 0, piece.length)
      const whole = Buffer.concat(pieces)
      assert.equal(unfinished.length, whole.length)
      assert.equal(unfinished.take(), whole.toString('latin1'))
      assert.equal(unfinished.length, 0)
      assert.equal(unfinished.take(), '')
    }),
  )
})
