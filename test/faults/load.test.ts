import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Load } from '@sallyport/proxy/load.js'
import { until } from '../support/until.ts'

test('a busy event loop, or a slow backend, is noticed within seconds, and so is its end', async t => {
  const told: boolean[] = []
  const load = new Load({ eventLoop: 100, backend: 1_000, shed: 0.9 }, ({ shed }) => told.push(shed > 0))
  t.after(() => load.stop())
  await until('the event loop is late', () => {
    const busy = performance.now() + 300
    while (performance.now() < busy);
    return load.shed > 0
  })
  assert.ok(load.reading.eventLoop > 100)
  await until('it is on time again', () => load.shed === 0)
  for (let i = 0; i < 50; i++) load.replied('rcpt', 3_000)
  // A message may be looked at for as long as it takes.
  for (let i = 0; i < 50; i++) load.replied('dot', 0)
  await until('the backend is slow', () => load.shed > 0)
  await until('and forgotten', () => load.shed === 0, 15_000)
  assert.deepEqual(told, [true, false, true, false])
})
