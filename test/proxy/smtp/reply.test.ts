import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queueId, type Reply, ReplyReader, replyText } from '@sallyport/proxy/smtp/reply.js'
import fc from 'fast-check'
import { cutAt, runs } from '../../support/properties.ts'

const octets = (text: string) => Buffer.from(text, 'latin1')

/** What comes, the replies in it, and whether the reader gives the backend up. */
const rows: readonly (readonly [came: string, replies: readonly (readonly [number, string])[], malformed: boolean])[] =
  [
    ['', [], false],
    ['250 ok\r\n', [[250, '250 ok\r\n']], false],
    ['250\r\n', [[250, '250\r\n']], false],
    ['250 \r\n', [[250, '250 \r\n']], false],
    ['250-a\r\n250-b\r\n250 c\r\n', [[250, '250-a\r\n250-b\r\n250 c\r\n']], false],
    ['250-a\r\n250\r\n', [[250, '250-a\r\n250\r\n']], false],
    [
      '250 a\r\n421 b\r\n',
      [
        [250, '250 a\r\n'],
        [421, '421 b\r\n'],
      ],
      false,
    ],
    ['250 \x80\xff\r\n', [[250, '250 \x80\xff\r\n']], false],
    ['250 a\r\n25', [[250, '250 a\r\n']], false],
    ['250 a\r', [], false],
    ['250 a\n', [], true],
    ['250 a\r\n250 b\n', [[250, '250 a\r\n']], true],
    ['\r\n', [], true],
    ['250a\r\n', [], true],
    ['25 a\r\n', [], true],
    ['2500 a\r\n', [], true],
    ['+OK hello\r\n', [], true],
    [' 250 a\r\n', [], true],
    ['150 a\r\n', [], true],
    ['650 a\r\n', [], true],
    ['2\xb20 a\r\n', [], true],
    ['250-a\r\n550 b\r\n', [], true],
    ['250-a\r\nb\r\n250 c\r\n', [], true],
    ['250\tb\r\n', [], true],
    // One line here is one line for the client.
    ['250 a\rb\r\n', [], true],
    ['250\r250 b\r\n', [], true],
    ['250 a\r\r\n', [], true],
    ['250 a\r\n\r\n', [[250, '250 a\r\n']], true],
  ]

for (const [came, replies, malformed] of rows) {
  test(`replies in ${JSON.stringify(came)}`, () => {
    const wanted = replies.map(([code, text]) => ({ code, text }))
    const whole = new ReplyReader()
    assert.deepEqual(whole.read(octets(came)), wanted)
    assert.equal(whole.malformed, malformed)
    const single = new ReplyReader()
    const read: Reply[] = []
    for (const octet of octets(came)) read.push(...single.read(new Uint8Array([octet])))
    assert.deepEqual(read, wanted, 'byte by byte')
    assert.equal(single.malformed, malformed)
    if (malformed) assert.deepEqual(whole.read(octets('250 ok\r\n')), [], 'malformed for good')
  })
}

test('a reply that has begun is known', () => {
  const reader = new ReplyReader()
  assert.equal(reader.midReply, false)
  reader.read(octets('2'))
  assert.equal(reader.midReply, true)
  reader.read(octets('50-a\r\n'))
  assert.equal(reader.midReply, true)
  reader.read(octets('250 b\r\n'))
  assert.equal(reader.midReply, false)
})

test('a reply has limits', () => {
  const text = (length: number) => octets(`250 ${'a'.repeat(length - 6)}\r\n`)
  const line = (length: number) => octets(`250-${'a'.repeat(length - 6)}\r\n`)
  const reads = (...pieces: Buffer[]) => {
    const reader = new ReplyReader()
    const replies = pieces.flatMap(piece => [...reader.read(piece)])
    return reader.malformed ? 'malformed' : replies.length
  }
  assert.equal(reads(text(4096)), 1)
  assert.equal(reads(text(4097)), 'malformed')
  assert.equal(reads(text(4097).subarray(0, 2000), text(4097).subarray(2000)), 'malformed')
  assert.equal(reads(octets('2'.repeat(5000))), 'malformed')
  assert.equal(reads(...Array.from({ length: 99 }, () => line(20)), text(20)), 1)
  assert.equal(reads(...Array.from({ length: 100 }, () => line(20)), text(20)), 'malformed')
  assert.equal(reads(...Array.from({ length: 16 }, () => line(4096)), text(20)), 1)
  assert.equal(reads(...Array.from({ length: 17 }, () => line(4096)), text(20)), 'malformed')
})

test('replies do not depend on how they are cut', () => {
  // Invariant: the same replies in the same order, and the same end, for every cut; never more replies than last lines.
  const text = fc
    .array(fc.constantFrom('250 a\r\n', '250-a\r\n', '550 b\r\n', '354\r\n', '25', '0 ', '\r', '\n', '\r\n', 'x'), {
      maxLength: 12,
    })
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(100), { maxLength: 6 }), (came, places) => {
      const whole = new ReplyReader()
      const wanted = whole.read(octets(came))
      const pieces = new ReplyReader()
      const read: Reply[] = []
      let at = 0
      for (const place of [...cutAt(came, places), came.length]) {
        read.push(...pieces.read(octets(came.slice(at, place))))
        at = place
      }
      assert.deepEqual(read, wanted)
      assert.equal(pieces.malformed, whole.malformed)
      assert.ok(wanted.length <= (came.match(/\d{3}[ \r]/g) ?? []).length)
      assert.ok(came.startsWith(wanted.map(reply => reply.text).join('')))
    }),
    runs(5_000),
  )
})

test('the text of a reply on one line', () => {
  assert.equal(replyText({ code: 250, text: '250-a\r\n250-b c\r\n250 d\r\n' }), '250-a b c d')
  assert.equal(replyText({ code: 250, text: '250-a\r\n250\r\n' }), '250-a ')
})

/** What servers say to a message that they took, and their name for it. */
const accepted: readonly (readonly [reply: string, id: string | null])[] = [
  ['250 2.0.0 Ok: queued as 4WxYz01234z9abc', '4WxYz01234z9abc'],
  ['250 2.0.0 Ok: queued as ABC1234567', 'ABC1234567'],
  ['250 2.6.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as F00BA4', 'F00BA4'],
  ['250 OK id=1rABcD-000123-4x', '1rABcD-000123-4x'],
  ['250 OK id=1rABcD-00000001234-5xYz', '1rABcD-00000001234-5xYz'],
  ['250 2.0.0 q1A2B3c4012345 Message accepted for delivery', 'q1A2B3c4012345'],
  ['250 2.0.0 723a41ae Message accepted for delivery', '723a41ae'],
  ['250 2.6.0 <abc@host.example> [InternalId=123456, Hostname=ex.example] Queued mail for delivery', null],
  ['250 2.0.0 Ok', null],
  ['250 OK', null],
  ['250 2.0.0 OK: queued', null],
]

for (const [reply, id] of accepted) {
  test(`the name in ${JSON.stringify(reply)}`, () => assert.equal(queueId({ code: 250, text: `${reply}\r\n` }), id))
}
