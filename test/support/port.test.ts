import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from './port.ts'

test('a free port can be bound, is below the ephemeral range and is never given twice', async t => {
  const ports = await Promise.all(Array.from({ length: 80 }, () => freePort()))
  assert.equal(new Set(ports).size, ports.length)
  for (const port of ports) assert.ok(port < 32_768, `${port}`)
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(ports[0], '127.0.0.1', resolve)
  })
})

test('processes that run at the same time are given different ports, and end although they hold some', async () => {
  // Of ports chosen by chance alone two thousands would share some.
  const script = `
    const { freePort } = await import(${JSON.stringify(new URL('./port.js', import.meta.url).href)})
    const ports = []
    while (ports.length < 1000) ports.push(await freePort())
    console.log(JSON.stringify(ports))
    await new Promise(resolve => process.stdin.once('end', resolve).resume())`
  const both = [0, 1].map(() => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]))
  let told = 0
  for (const { child } of both)
    child.stdout?.once('data', () => {
      told += 1
      if (told === both.length) for (const { child } of both) child.stdin?.end()
    })
  const ports = (await Promise.all(both)).flatMap(({ stdout }) => JSON.parse(stdout) as number[])
  assert.equal(new Set(ports).size, 2_000)
})

test('UDP ports are found as well', async () => {
  assert.ok((await freePort('udp')) >= 10_000)
})
