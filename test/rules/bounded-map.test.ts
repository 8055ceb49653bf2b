import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedMap } from '@sallyport/rules'
import fc from 'fast-check'

const key = fc.integer({ min: 0, max: 9 })
const deed = fc.oneof(fc.record({ set: key, value: fc.nat() }), fc.record({ delete: key }))

test('holds the keys that were set last, as many as it may, in that order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(deed, { maxLength: 60 }), (most, deeds) => {
      const map = new BoundedMap<number, number>(most)
      let model: (readonly [key: number, value: number])[] = []
      for (const done of deeds) {
        const key = 'set' in done ? done.set : done.delete
        model = model.filter(([known]) => known !== key)
        if ('set' in done) {
          map.set(key, done.value)
          model = [...model, [key, done.value] as const].slice(-most)
        } else map.delete(key)
        assert.deepEqual([...map], model)
      }
    }),
  )
})
