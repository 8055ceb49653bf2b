// What each balancer must show with two gates behind it: registered as tests by its own test file.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Balancer } from '../support/balancer.ts'
import { configOf } from '../support/config.ts'
import { connect } from '../support/dialogue.ts'
import { cli } from '../support/gate.ts'
import { run } from '../support/process.ts'
import { until } from '../support/until.ts'
import { pathOf, textOf } from './files.ts'
import { idsAt, orRestored, Traffic, type TwoGates } from './two-gates.ts'

/** The settings of a recipe's gates are good by themselves, and leave the deadlines to the gate: nobody else closes first. */
export function testSettings(recipe: string, timeouts: readonly number[]): void {
  it('has a gate configuration that the gate calls good', async () => {
    const check = await run(process.execPath, [cli, 'check', '-c', pathOf(`${recipe}/sallyport.yaml`)])
    assert.equal(check.code, 0, check.stdout)
  })

  it('closes no session before the gate would: its time limits are above every silence that the gate allows', async () => {
    const gate = configOf(await textOf(`${recipe}/sallyport.yaml`)).timeouts
    const { session: _, screening: __, ...silences } = gate
    const longest = Math.max(...Object.values(silences))
    // RFC 5321 4.5.3.2: five minutes for a command, ten for the end of a message.
    assert.ok(longest >= 600_000, `${longest}`)
    assert.ok(timeouts.length > 0)
    for (const timeout of timeouts) assert.ok(timeout * 1000 > longest, `${timeout} s`)
  })
}

/** Mail goes through both gates, which remember together and see who the client is. */
export function testMail({ gates, sink }: TwoGates, balancer: Balancer): void {
  it('brings mail through both gates, which both know the client, and so does the server behind', async t => {
    const clients = ['127.0.0.61', '::1', '127.0.0.62', '127.0.0.63']
    for (const address of clients) {
      for (const turn of [1, 2, 3, 4]) {
        const host = address === '::1' ? address : '127.0.0.1'
        const client = await connect(t, { port: balancer.port, host, localAddress: address })
        const { localPort } = client
        const greeting = await client.line()
        // It waits once, whichever gate it meets after that.
        assert.match(greeting, turn === 1 ? /^220-/ : /^220 /, `${address}, ${turn}`)
        if (turn === 1) await client.line(/^220 /)
        await client.command('EHLO client.example.net', /^250/)
        await client.command('MAIL FROM:<sender@example.net>', /^250/)
        await client.command('RCPT TO:<user@example.net>', /^250/)
        const source = sink.connections.at(-1)?.header?.source
        assert.deepEqual([source?.address.replace('0:0:0:0:0:0:0:1', '::1'), source?.port], [address, localPort])
        await client.command('DATA', /^354/)
        await client.command('Subject: both\r\n\r\nhello\r\n.', /^250/)
        await client.command('QUIT', /^221/)
        await until(
          'its session is logged',
          () => gates.flatMap(gate => gate.log()).filter(({ client }) => client === address).length === turn,
        )
      }
    }
    for (const gate of gates) assert.ok(gate.log().length >= 4, `${gate.log().length} of 16`)
  })

  it('lets a client close its side behind its last word, and still hear the answer', async t => {
    const client = await connect(t, { port: balancer.port, localAddress: '127.0.0.61' })
    await client.expect(/^220 /)
    await client.command('EHLO client.example.net', /^250/)
    await client.command('MAIL FROM:<sender@example.net>', /^250/)
    await client.command('RCPT TO:<user@example.net>', /^250/)
    await client.command('DATA', /^354/)
    sink.faults.set('message', { kind: 'delay', ms: 300 })
    client.sendRaw('Subject: half\r\n\r\nhello\r\n.\r\nQUIT\r\n')
    client.end()
    await client.expect(/^250 /)
    await client.expect(/^221 /)
    sink.faults.set('message', undefined)
  })
}

/** One gate is killed under traffic: what was open there breaks off, and the next attempt goes through the other. */
export function testDeath({ gates, sink }: TwoGates, balancer: Balancer): void {
  it('goes on through the other gate when one is killed: no message is lost, and nobody fails twice', async t => {
    const traffic = new Traffic(t, balancer.port, 8)
    const [first] = gates
    const before = gates.map(gate => gate.log().length)
    // Both: a balancer leaves one out for a while that was gone a moment ago.
    await until('both have clients', () => gates.every((gate, i) => gate.log().length > (before[i] ?? 0) + 20))
    await orRestored(first, async () => {
      first.signal('SIGKILL')
      await first.exited
      await pause(1_000)
      await traffic.stop()
      noneLost(traffic, sink)
      for (const { outcome } of traffic.failures) assert.match(outcome, /the server closed|ECONNRESET/)
    })
    await first.start()
    const restarted = first.log().length
    const more = new Traffic(t, balancer.port, 4)
    await until('it has clients again', () => first.log().length > restarted)
    await more.stop()
    assert.deepEqual(more.failures, [])
  })
}

/** Every message that was answered 250 is at the server behind, and none of them took more than two attempts. */
export function noneLost(traffic: Traffic, sink: TwoGates['sink']): void {
  const arrived = new Set(idsAt(sink))
  assert.ok(traffic.sent.size > 0)
  for (const id of traffic.sent) assert.ok(arrived.has(id), `${id} is lost`)
  const failed = traffic.failures.map(({ id }) => id)
  assert.deepEqual(failed, [...new Set(failed)], 'failed twice')
}
