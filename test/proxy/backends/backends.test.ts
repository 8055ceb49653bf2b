import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backends } from '@sallyport/proxy/backends/backends.js'
import { planGroups } from '@sallyport/proxy/backends/plan.js'
import { GroupWorld } from '../../support/backend-world.ts'
import { configOf } from '../../support/config.ts'

test('clients are told what all servers offer that were ever heard, as one that is down may be back for their mail', async () => {
  const plans = await planGroups(
    configOf(`backend: { servers: ['10.0.0.1:25'] }
routes: [{ domains: [other.test], backend: '10.0.1.1:25' }]`),
    { host: '127.0.0.1', port: 1 },
  )
  assert.ok(typeof plans !== 'string')
  const backends = new Backends(plans, { backendConnect: 5_000 }, new GroupWorld([], 'order'), null)
  const [one, two] = backends.servers
  assert.ok(one !== undefined && two !== undefined)
  assert.equal(backends.keywords, null)
  two.keywords = ['8BITMIME', 'DSN']
  assert.deepEqual(backends.keywords, ['8BITMIME', 'DSN'])
  one.keywords = ['8BITMIME']
  one.checked(false, 0)
  assert.deepEqual(backends.keywords, ['8BITMIME'])
})
