import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { type Owner, tempDirectory, undoAfter } from './owner.ts'

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

test('a temporary directory is removed with its owner', async () => {
  const mine = owner()
  const directory = await tempDirectory(mine, 'owner-test')
  assert.ok(existsSync(directory))
  await mine.end()
  assert.ok(!existsSync(directory))
})
