import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { type Owner, owning, tempDirectory, undoAfter } from './owner.ts'

/** An owner that ends when the test says so. */
function owner(): Owner & { end(): Promise<void> } {
  const undos: (() => Promise<void> | void)[] = []
  return {
    after: undo => void undos.push(undo),
    end: async () => {
      for (const undo of undos) await undo()
    },
  }
}

test('what was started last is undone first, and all of it even if one fails', async () => {
  const mine = owner()
  const order: string[] = []
  undoAfter(mine, () => void order.push('directory'))
  undoAfter(mine, () => {
    order.push('program')
    throw new Error('did not stop')
  })
  undoAfter(mine, () => void order.push('connection'))
  await assert.rejects(mine.end(), /did not stop/)
  assert.deepEqual(order, ['connection', 'program', 'directory'])
})

test('what is no test ends what it was given, the latest first, and gives what it came to', async () => {
  const order: string[] = []
  const work = owning(async mine => {
    undoAfter(mine, () => void order.push('directory'))
    undoAfter(mine, () => void order.push('program'))
    mine.after(() => void order.push('connection'))
    return 'done'
  })
  assert.equal(await work, 'done')
  assert.deepEqual(order, ['connection', 'program', 'directory'])
  const failing = owning(mine => {
    undoAfter(mine, () => void order.push('of a failure'))
    return Promise.reject(new Error('fell over'))
  })
  await assert.rejects(failing, /fell over/)
  assert.equal(order.at(-1), 'of a failure')
})

test('a temporary directory is removed with its owner', async () => {
  const mine = owner()
  const directory = await tempDirectory(mine, 'owner-test')
  assert.ok(existsSync(directory))
  await mine.end()
  assert.ok(!existsSync(directory))
})
