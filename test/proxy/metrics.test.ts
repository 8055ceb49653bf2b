import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedStore } from '@sallyport/proxy/store/shared/shared.js'
import { metricLines } from '../deploy/gate-metrics.ts'
import { startRedis } from '../support/redis.ts'
import { eventually } from '../support/store-world.ts'

test('a scrape tells of a Redis that refuses every question, and of one that is gone', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const log = { info() {}, warn() {} }
  const url = `redis://127.0.0.1:${redis.port}`
  const store = new SharedStore(
    { kind: 'redis', url, password: null, prefix: 'm:', commandWait: 1000, grace: 1000, clients: 100 },
    { log, now: () => 1 },
  )
  t.after(() => store.close())
  const told = async () =>
    (await metricLines(store.health))
      .map(line =>
        /^sallyport_store_operations_total\{operation="(\w+)",result="(\w+)"\} (\d+)$/.exec(line)?.slice(1).join(' '),
      )
      .filter(one => one !== undefined)
  const lesson = { passed: { pregreet: 100 }, failed: {} }
  await eventually('it is there', () => store.health.up)
  store.remember('192.0.2.1', lesson)
  await eventually('the lesson is written', () => store.health.remembers === 1)
  await store.recall('192.0.2.1')
  assert.deepEqual(await told(), [
    'recall ok 1',
    'recall error 0',
    'recall local 0',
    'remember ok 1',
    'remember error 0',
  ])
  await redis.command('ACL', 'SETUSER', 'default', '-eval', '-evalsha', '-eval_ro', '-evalsha_ro')
  for (let i = 0; i < 3; i++) await store.recall('192.0.2.2')
  store.remember('192.0.2.2', lesson)
  await eventually('a lesson is refused', () => store.health.rememberErrors >= 1)
  assert.deepEqual(await told(), [
    'recall ok 1',
    'recall error 3',
    'recall local 0',
    'remember ok 1',
    'remember error 1',
  ])
  await redis.stop()
  await eventually('it is gone', () => !store.health.up)
  await store.recall('192.0.2.3')
  const [ok, error, local] = await told()
  assert.deepEqual([ok, error, local], ['recall ok 1', 'recall error 3', 'recall local 1'])
})
