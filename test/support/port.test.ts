import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePort } from './port.ts'

test('a free port can be bound, is below the ephemeral range and is never given twice', async t => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()))
  assert.equal(new Set(ports).size, ports.length)
  for (const port of ports) assert.ok(port < 32_768, `${port}`)
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(ports[0], '127.0.0.1', resolve)
  })
})

test('UDP ports are found as well', async () => {
  assert.ok((await freePort('udp')) >= 10_000)
})
