import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { believing, connectAs, untilRcpt } from './client.ts'

const postfix = await startPostfix({ after })
const settings = `backend: 127.0.0.1:${postfix.ports.proxy}
${believing}
timeouts: { answers: 100ms }
dnsbl: { resolvers: ['127.0.0.1:1'], wait: 100ms }`

test('another name than in the session before is observed; who has several names is one pool, and is left alone', async t => {
  const gate = await startGate(t, settings)
  const said = async (address: string, helo: string) => {
    const count = gate.log().length
    const client = await connectAs(t, gate, address)
    assert.match(await untilRcpt(client, { helo }), /^250/, 'nobody is turned away for it')
    await client.command('QUIT', /^221/)
    await gate.waitForSession(() => gate.log().length > count)
    return gate.log().at(-1)?.checks['helo-change']
  }
  assert.equal(await said('198.51.100.7', 'one.example.net'), 'pass')
  assert.equal(await said('198.51.100.7', 'One.example.NET'), 'pass')
  assert.equal(await said('198.51.100.8', 'two.example.net'), 'pass', 'each client for itself')
  const changed = await said('198.51.100.7', 'two.example.net')
  assert.equal(changed, 'fail: two.example.net, in the session before one.example.net')
  for (const name of ['one', 'two', 'three', 'four']) {
    assert.equal(await said('198.51.100.7', `${name}.example.net`), 'pass', 'its first name has come back')
  }
  // What is private is behind somebody's address translation.
  for (const name of ['one', 'two']) assert.equal(await said('10.1.2.3', `${name}.example.net`), 'pass')
})
