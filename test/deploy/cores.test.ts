import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { sendMail } from '../e2e/client.ts'
import { connect } from '../support/dialogue.ts'
import { failToStart, type RunningGate } from '../support/gate.ts'
import { holdSocket } from '../support/held-socket.ts'
import { freePort } from '../support/port.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Sink, startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { noneLost } from './balancer-cases.ts'
import { coresSettings, startPair } from './two-cores.ts'
import { Traffic } from './two-gates.ts'

let redis: RedisServer
let sink: Sink
let settings = ''
before(async () => {
  redis = await startRedis()
  settings = await coresSettings(sink, redis)
})
after(() => redis.stop())
sink = await startSink({ after }, { proxy: true })

/** Who has a session with a gate that stops is told so at its next command. */
const told = /421 4\.3\.2/
const cut = /the server closed|ECONNRESET/

/** Clients send while one gate is reloaded, stopped, started again, and the other killed. `ofStop`: what they may hear of the stop. */

async function goesOn(t: TestContext, port: number, gates: readonly RunningGate[], ofStop: RegExp): Promise<void> {
  const [first, second] = gates as readonly [RunningGate, RunningGate]
  const traffic = new Traffic(t, port, 8)
  const more = async (count: number) => {
    const { size } = traffic.sent
    await until('messages are sent', () => traffic.sent.size > size + count)
  }
  await until('each has some of them', () => gates.every(gate => gate.log().length > 10))

  first.signal('SIGHUP')
  await first.waitForLine(({ msg }) => msg === 'the new configuration is in force')
  await more(20)
  assert.deepEqual(traffic.failures, [], 'a reload drops nobody')

  await second.stop()
  await more(40)
  await second.start()
  const restarted = second.log().length
  await until('it has clients again', () => second.log().length > restarted)
  await more(40)
  for (const { outcome } of traffic.failures) assert.match(outcome, ofStop)

  const before = traffic.failures.length
  first.signal('SIGKILL')
  await first.exited
  await more(40)
  await traffic.stop()
  for (const { outcome } of traffic.failures.slice(before)) assert.match(outcome, cut)
  noneLost(traffic, sink)
}

describe('two gates on one port', () => {
  it('share the clients of a socket that systemd holds; one restarts, one dies, and nothing is lost', async t => {
    const port = await freePort()
    const gates = await startPair(t, `${settings}\nlisten: ['127.0.0.1:25']`, holdSocket(t, port))
    assert.deepEqual(
      gates.map(({ listen }) => listen),
      [[`127.0.0.1:${port}`], [`127.0.0.1:${port}`]],
    )
    await goesOn(t, port, gates, told)
  })

  it('leave a client in the queue of that socket while none of them runs, and greet it when one does', async t => {
    const port = await freePort()
    const gates = await startPair(t, `${settings}\nlisten: ['127.0.0.1:25']`, holdSocket(t, port))
    await Promise.all(gates.map(gate => gate.stop()))
    const client = await connect(t, { port, waitMs: 20_000 })
    await client.silence(300)
    await gates[0]?.start()
    assert.match(await sendMail(client, 'Subject: queue\r\n\r\nhello\r\n'), /^250 /)
  })

  it('share a port by reuse_port where Node can, and say so where it cannot', async t => {
    const port = await freePort()
    const listen = `{ address: '127.0.0.1:${port}', reuse_port: true }`
    const [major = 0] = process.versions.node.split('.').map(Number)
    if (major >= 22)
      return goesOn(
        t,
        port,
        await startPair(t, `${settings}\nlisten: [${listen}]`),
        /421 4\.3\.2|the server closed|ECONNRESET/,
      )
    const file = `${settings.replace(/^admin.*$/m, '')}\nlisten: [${listen}]`
    const { code, output } = await failToStart(t, file)
    assert.equal(code, 78)
    assert.match(output, /listen\[0\]\.reuse_port: found true, which Node 20\.\S+ cannot: use Node 22\.12 or later/)
  })
})
