import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { openStore, type StoreOptions } from '@sallyport/proxy/store/index.js'
import { eventually, StoreWorld } from '../../support/store-world.js'

const lesson = { passed: { pregreet: 1000 }, failed: {} }

/** A store whose Redis is not there answers by itself, and has one line to say, which is given. */
export async function saidOfLost(t: TestContext, options: StoreOptions): Promise<string> {
  const world = new StoreWorld()
  const store = openStore(options, world)
  t.after(() => store.close())
  await eventually('it was tried', () => world.lines.length > 0)
  store.remember('192.0.2.1', lesson)
  assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
  await new Promise(resolve => setTimeout(resolve, 500))
  assert.equal(world.lines.length, 1, world.lines.join('\n'))
  return world.lines[0] ?? ''
}
