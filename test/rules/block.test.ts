import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBlock, type Lesson, mayBlock } from '@sallyport/rules'

const lesson = (score: number, failed: readonly string[] = []): Lesson => ({
  passed: {},
  failed: Object.fromEntries(failed.map(name => [name, 1000])),
  repute: { score, accepted: 0, content: 0, unknown: 0 },
})

test('a block is a trap, or the lesson that makes a name suspect; not the one before, nor one after it', () => {
  const told = (name: string, one: Lesson, score: number) => isBlock(name, one, score, 5)
  assert.ok(told('192.0.2.1', lesson(0, ['trap-recipient']), 0))
  assert.ok(!told('192.0.2.1', lesson(4, ['pregreet']), 4))
  assert.ok(told('192.0.2.1', lesson(4), 8))
  assert.ok(told('192.0.2.1', lesson(8), 5))
  assert.ok(!told('192.0.2.1', lesson(8), 16))
  assert.ok(!told('192.0.2.1', lesson(-4), 6), 'a good word for a suspect')
  assert.ok(told('name:example.net', lesson(8), 8))
  assert.ok(told('2001:db8:1:2::/64', lesson(8), 8), 'a client, not a network')
  for (const network of ['192.0.2.0/24', '2001:db8:1::/48']) {
    assert.ok(!told(network, lesson(8), 16), network)
    assert.ok(told(network, lesson(8), 24), network)
    assert.ok(!told(network, lesson(8), 32), network)
  }
})

test('whatever is a block may be one', () => {
  for (const score of [-4, 0, 4, 8]) {
    for (const failed of [[], ['pregreet'], ['trap-recipient']]) {
      for (const sum of [-20, 0, 5, 20, 80]) {
        const one = lesson(score, failed)
        if (isBlock('192.0.2.1', one, sum, 5)) assert.ok(mayBlock(one), JSON.stringify(one))
      }
    }
  }
})
