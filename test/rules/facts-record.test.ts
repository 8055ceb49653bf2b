import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Facts, factsFromRecord, factsToRecord } from '@sallyport/rules'
import fc from 'fast-check'

const text = fc.string({ unit: 'binary', maxLength: 40 })
const nested = fc.record(
  { kind: text, rank: fc.integer(), list: fc.option(text), names: fc.array(text, { maxLength: 3 }) },
  { noNullPrototype: true },
)

/** Whatever the class holds, each fact with any value of its kind; of one that begins as null, of any kind. */
const someFacts = fc
  .record(
    Object.fromEntries(
      Object.entries(new Facts()).map(([name, initial]) => [
        name,
        typeof initial === 'boolean'
          ? fc.boolean()
          : typeof initial === 'number'
            ? fc.oneof(
                fc.integer(),
                fc.double({ noNaN: true, noDefaultInfinity: true }).filter(n => !Object.is(n, -0)),
              )
            : typeof initial === 'string'
              ? text
              : fc.oneof(fc.constant(null), text, fc.integer(), nested),
      ]),
    ),
    { requiredKeys: [] },
  )
  .map(values => Object.assign(new Facts(), values) as Facts)

test('facts that were written down and read again are the same facts', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      const line = JSON.stringify(factsToRecord(facts))
      assert.deepEqual(factsFromRecord(JSON.parse(line) as Record<string, unknown>), facts)
    }),
  )
})

test('whatever a record says, no fact is of another kind than its class has it', () => {
  const anything = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...Object.keys(new Facts())), fc.anything()))
  fc.assert(
    fc.property(anything, record => {
      if (typeof record !== 'object' || record === null) return
      const facts = factsFromRecord(record as Record<string, unknown>)
      const initial = new Facts()
      assert.deepEqual(Object.keys(facts), Object.keys(initial))
      for (const [name, value] of Object.entries(initial)) {
        if (value !== null) assert.equal(typeof facts[name as keyof Facts], typeof value, name)
      }
    }),
  )
})

test('what is at its initial value is not written', () => {
  assert.deepEqual(factsToRecord(new Facts()), {})
  const facts = new Facts()
  facts.pregreetBytes = 3
  facts.reverse = { kind: 'none' }
  assert.deepEqual(factsToRecord(facts), { pregreetBytes: 3, reverse: { kind: 'none' } })
})
