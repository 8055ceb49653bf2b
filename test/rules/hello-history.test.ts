import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HelloHistory } from '@sallyport/rules'
import fc from 'fast-check'

/** In how many of the sessions a client with these names says one that is new, of a client of whom something is known. */
function changes(names: readonly string[], history = new HelloHistory()): number {
  let count = 0
  for (const name of names) {
    const before = history.namesOf('192.0.2.1')
    if (before !== null && !before.includes(name.toLowerCase())) count++
    history.note('192.0.2.1', name)
  }
  return count
}

const times = (count: number, of: (i: number) => string) => Array.from({ length: count }, (_, i) => of(i))

test('a server that keeps its name has never changed it, whatever the case; one that was renamed has once', () => {
  assert.equal(changes(times(100, i => (i % 2 === 0 ? 'mx.example.net' : 'MX.example.net'))), 0)
  assert.equal(changes([...times(100, () => 'mx.example.net'), ...times(100, () => 'mail.example.net')]), 1)
})

test('a bot that takes a new name each time has changed it each time', () => {
  assert.equal(changes(times(100, i => `host${i}.example`)), 99)
})

test('a pool behind one address: after a name has come back nothing is said of it any more', () => {
  assert.equal(changes(times(100, i => `mx${i % 2}.example.net`)), 1)
  assert.equal(changes(times(100, i => `mx${i % 4}.example.net`)), 3)
  // Three, one after another, then any of a hundred.
  assert.equal(changes(['a', 'b', 'a', ...times(100, i => `mx${i}.example.net`)]), 1)
})

test('each client has its own names, and only so many are kept, of so many clients', () => {
  const history = new HelloHistory()
  for (let i = 0; i < 10_100; i++) history.note(`client ${i}`, `host${i}.example`)
  assert.equal(history.size, 10_000)
  assert.deepEqual([history.namesOf('client 99'), history.namesOf('client 100')], [null, ['host100.example']])
  for (let i = 0; i < 9; i++) history.note('client 100', `other${i}.example`)
  assert.deepEqual(
    history.namesOf('client 100'),
    times(4, i => `other${i + 5}.example`),
  )
  history.note('client 100', 'x'.repeat(65))
  assert.equal(history.namesOf('client 100')?.length, 4)
})

test('any pool: who has as many names as are kept, or fewer, has at most that many changes', () => {
  const name = fc.constantFrom('a.example', 'b.example', 'c.example', 'd.example')
  fc.assert(
    fc.property(fc.array(name, { maxLength: 60 }), names => {
      assert.ok(changes(names) <= 3)
    }),
  )
})
