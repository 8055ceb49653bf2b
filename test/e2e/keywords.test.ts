import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { believing, connectAs } from './client.ts'

test('what EHLO offers is what the server behind offers, and follows it without a restart', async t => {
  const sink = await startSink(t, { proxy: true, keywords: ['SIZE 1000', 'DSN', 'XCLIENT ADDR', 'X-OWN 1'] })
  const settings = `backend: { address: '127.0.0.1:${sink.port}', probe_every: 1s }\n${believing}\ngreet: { wait: 0s }`
  const gate = await startGate(t, settings)
  const offered = async () => {
    const client = await connectAs(t, gate, '192.0.2.7')
    await client.expect(/^220 /)
    const { text } = await client.command('EHLO client.example.net', /^250/)
    await client.command('QUIT', /^221/)
    return text.split('\n').map(line => line.trim().slice(4))
  }
  assert.deepEqual(await offered(), ['gate.example.test', 'SIZE 1000', 'DSN', 'X-OWN 1'])
  sink.keywords = ['SIZE 2000', 'XFORWARD NAME', '8BITMIME', 'ETRN', 'STARTTLS']
  await until('the new keywords are offered', async () => (await offered()).includes('SIZE 2000'))
  assert.deepEqual(await offered(), ['gate.example.test', 'SIZE 2000', '8BITMIME', 'ETRN'])
  assert.equal(await gate.metric('sallyport_backend_connections_total{result="ok"}'), 0, 'no client was let through')
})
