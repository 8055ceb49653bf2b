import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { append, makePostfix } from '../deploy/postfix-instance.ts'
import { cli } from '../support/gate.ts'
import { tempDirectory, undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startPostfix } from '../support/postfix.ts'
import { run } from '../support/process.ts'
import { startRbldnsd } from '../support/rbldnsd.ts'
import { startRedis } from '../support/redis.ts'
import { blocksOf, textOf } from './markdown.ts'

/** The captures of the page: the good set-up, the one with mistakes, the open relay. */
const [good = '', bad = '', open = ''] = blocksOf(await textOf('README.md'), 'text')
const folder = await tempDirectory({ after }, 'doctor')

/** What the page says, or the doctor, without what differs from one run to the next: ports, times, the descriptors, columns. */
function sameEverywhere(text: string): string {
  return text
    .replaceAll(/(127\.0\.0\.1:)\d+/g, '$1PORT')
    .replaceAll(/ {2,}\d+ ms/g, '  N ms')
    .replaceAll(/\d+(?=, of which limits)/g, 'N')
    .replaceAll(/(?<=\S) {2,}/g, '  ')
}

async function diagnose(settings: string): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const file = join(folder, 'sallyport.yaml')
  await writeFile(file, `limits: { connections: 1000 }\n${settings}`)
  return run(process.execPath, [cli, 'doctor', '-c', file], 60_000)
}

const settingsOf = (name: string, listen: number, backend: string, redis: number, dns: string) => `hostname: ${name}
listen: ['127.0.0.1:${listen}']
admin: { listen: off }
backend: ${backend}
store: { kind: redis, url: 'redis://127.0.0.1:${redis}', command_wait: 1s }
dnsbl: { zones: [bl.example.org], resolvers: ['${dns}'] }
`

test('a good set-up: the recipe of deploy/backends/postfix, Redis and rbldnsd', async t => {
  const postfix = await makePostfix()
  undoAfter(t, () => postfix.remove())
  const port = await freePort()
  const fragment = (name: string) => textOf(`deploy/backends/postfix/${name}.fragment`)
  await append(postfix, 'main.cf', await fragment('main.cf'), port)
  await append(postfix, 'master.cf', await fragment('master.cf'), port)
  await postfix.start()
  const redis = await startRedis()
  undoAfter(t, () => redis.stop())
  const dns = await startRbldnsd(t, { 'bl.example.org': ['127.0.0.2 :127.0.0.2:Listed'] })
  const settings = settingsOf('mx.example.net', await freePort(), `127.0.0.1:${port}`, redis.port, dns.server)
  const { code, stdout } = await diagnose(settings)
  assert.equal(sameEverywhere(stdout), sameEverywhere(good))
  assert.equal(code, 0)
})

test('a bad one: Postfix does not expect the header, Redis is dead, the list lists everybody', async t => {
  const postfix = await startPostfix(t, { main: { myhostname: 'mx.example.net' } })
  const dns = await startRbldnsd(t, { 'bl.example.org': ['127.0.0.0/8 :127.0.0.2:Listed'] })
  const backend = `127.0.0.1:${postfix.ports.plain}`
  const { code, stdout } = await diagnose(settingsOf('mx', await freePort(), backend, await freePort(), dns.server))
  assert.equal(sameEverywhere(stdout), sameEverywhere(bad))
  assert.equal(code, 1)
})

test('an open relay: a Postfix that trusts the address of the gate, and a gate that keeps its clients to itself', async t => {
  const postfix = await startPostfix(t, { main: { myhostname: 'mx.example.net' } })
  const address = `address: '127.0.0.1:${postfix.ports.plain}'`
  const backend = `{ ${address}, identity: none, i_know_the_backend_sees_the_gate: true }`
  const { code, stdout } = await diagnose(
    `hostname: mx.example.net\nlisten: ['127.0.0.1:${await freePort()}']\nadmin: { listen: off }\nbackend: ${backend}\n`,
  )
  assert.equal(sameEverywhere(stdout), sameEverywhere(open))
  assert.equal(code, 1)
})
