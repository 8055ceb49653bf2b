import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from './dialogue.ts'
import { failToStart, startGate } from './gate.ts'
import { startSink } from './sink.ts'

test('a gate listens, logs, counts, stops and starts again on the same ports', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `backend: 127.0.0.1:${sink.port}`)
  const { port, adminPort, pid } = gate
  for (const [index, name] of ['first.example.net', 'second.example.net'].entries()) {
    if (index > 0) await gate.start()
    const client = await connect(t, { port, localAddress: '127.0.0.77' })
    await client.expect(/^220 /m)
    await client.command(`EHLO ${name}`, /^250/)
    await client.command('QUIT', /^221/)
    const line = await gate.waitForSession(({ helo }) => helo === name)
    assert.deepEqual([line.client, line.verdict, line.ending], ['127.0.0.77', 'abandoned', 'quit'])
    assert.equal(await gate.metric('sallyport_connections_total'), 1)
    assert.equal((await gate.admin('/healthz')).status, 200)
    assert.deepEqual(await gate.stop(), { code: 0, signal: null })
  }
  assert.deepEqual([gate.port, gate.adminPort], [port, adminPort])
  assert.notEqual(gate.pid, pid)
  assert.equal(gate.log().length, 2)
})

test('a gate that cannot start says why', async t => {
  const { code, output } = await failToStart(t, 'backend: nowhere')
  assert.equal(code, 78)
  assert.match(output, /sallyport\.yaml:\d+:\d+ backend: /)
})

test('waiting for a session that does not come shows what the gate wrote', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `backend: 127.0.0.1:${sink.port}`)
  await assert.rejects(
    gate.waitForSession(({ verdict }) => verdict === 'passed', 20),
    /no session line of .*passed.* within 20 ms\n--- the gate wrote\n.*"event":"start"/s,
  )
})
