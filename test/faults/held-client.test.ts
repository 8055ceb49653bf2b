import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { startHere } from './here.ts'
import { lines, recipient, startThread } from './siege.ts'
import { slowPeers } from './slow-peer.ts'

test('of a client that is held one read is taken and no more, so that single octets do not pile up, each in a buffer', async t => {
  const [, port] = await startThread<number>(t, './moody-backend.js', {})
  const gate = await startHere(t, `backend: 127.0.0.1:${port}\naccess: { allow: ['127.0.0.0/8'] }`)
  const [peer] = await slowPeers(t, gate.port, 1)
  assert.ok(peer !== undefined)
  await recipient(peer, 'good')
  const [connection] = gate.running.gate.connections
  assert.ok(connection !== undefined)
  const { client } = connection
  // 64 KiB each, which it does not read.
  peer.socket.pause()
  peer.socket.write(lines('HELP\r\n').subarray(0, 6 * 1_000))
  await until('it is held', () => client.writableLength > 0 && client.isPaused())
  await sleep(100)
  const [before, unsent] = [client.bytesRead, client.writableLength]
  for (let octet = 0; octet < 1_000; octet++) {
    peer.socket.write('N')
    await turn()
  }
  await sleep(100)
  assert.ok(client.isPaused() && client.writableLength === unsent, 'it is held still')
  assert.ok(client.bytesRead - before < 500, `${client.bytesRead - before} of 1000 octets read`)
  assert.equal(client.readableLength, client.bytesRead - before)
})
