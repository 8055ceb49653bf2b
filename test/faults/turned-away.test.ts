import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'

test('a header that comes after the connection was turned away begins no session', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(
    t,
    `backend: 127.0.0.1:${sink.port}
trusted_proxies: [127.0.0.1]
limits: { connections: 1 }
delays: { turned_away: 0s }
timeouts: { proxy_header: 200ms }`,
  )
  const first = await connect(t, { port: gate.port })
  const second = await connect(t, { port: gate.port })
  for (const client of [second, first]) {
    // One is too many, the other is too late.
    await client.expect(/^421 4\.3\.2 /)
    client.sendRaw('PROXY TCP4 203.0.113.5 198.51.100.25 40001 25\r\nEHLO client.example.net\r\n')
    assert.equal(await client.closed, 'fin')
    client.end()
  }
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="limit"}'), 1)
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="proxy_header"}'), 1)
  assert.equal(await gate.metric('sallyport_connections_total'), 0)
})
