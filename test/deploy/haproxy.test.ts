import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { adapted, type HaProxy, startHaProxy } from '../support/balancer.ts'
import { configOf } from '../support/config.ts'
import { connect } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { noneLost, testDeath, testMail, testSettings, until } from './balancer-cases.ts'
import { textOf } from './files.ts'
import { startTwoGates, Traffic, type TwoGates } from './two-gates.ts'

const recipe = 'deploy/balancers/haproxy'
const written = await textOf(`${recipe}/haproxy.cfg`)
const readme = await textOf(`${recipe}/README.md`)

/** Ten times as fast as in the recipe, so that the delay of a drain can be two seconds. */
const quicker = { 'inter 2s': 'inter 200ms', 'slowstart 10s': 'slowstart 1s' }
const twoSeconds = { 'delay: 10s': 'delay: 2s' }

const two = await startTwoGates({ after }, recipe, twoSeconds)
const haproxy = await startBefore({ after }, two, written)

async function startBefore(owner: Owner, { places, ports }: TwoGates, configuration: string): Promise<HaProxy> {
  const port = await freePort()
  const here = { ...places, ...quicker, ':::25 v4v6': `:::${port} v4v6`, 'port 9525': `port ${ports.admin}` }
  const started = await startHaProxy(owner, adapted(configuration, here), port)
  await until(async () => (await states(started)).every(state => state === 'UP'))
  return started
}

/** UP, DOWN or the like of each gate, as HAProxy sees it. */
async function states(from: HaProxy): Promise<string[]> {
  const rows = (await from.command('show stat')).split('\n').map(line => line.split(','))
  const column = rows[0]?.indexOf('status') ?? 0
  return rows.filter(row => row[0] === 'gates' && row[1]?.startsWith('gate')).map(row => row[column] ?? '')
}

/** Of a line such as `timeout client 11m`, in seconds. */
function seconds(key: string): number {
  const [, digits = '', unit = ''] = new RegExp(`${key} (\\d+)([sm])`).exec(written) ?? []
  return Number(digits) * (unit === 'm' ? 60 : 1)
}

describe('the HAProxy recipe', () => {
  testSettings(recipe, [seconds('timeout client'), seconds('timeout server')])

  it('leaves HAProxy time to notice before a gate that drains closes its port', async () => {
    const { drain } = configOf(await textOf(`${recipe}/sallyport.yaml`))
    const [fall] = /(?<=fall )\d+/.exec(written) ?? []
    // The check that finds the gate still well may have ended just before; each of the next may take its whole time.
    const noticed = Number(fall) * Math.max(seconds('inter'), seconds('timeout check'))
    assert.ok(drain.delay > noticed * 1000, `${drain.delay} ms, ${noticed} s`)
  })

  testMail(two, haproxy)
  testChecks()
  testDrain()
  testDeath(two, haproxy)
})

function testChecks(): void {
  const counted = ['connections_total', 'connections_refused_total{reason="proxy_header"}']

  /** What the first gate has counted, how often it was asked, and what Redis holds. */
  async function memory() {
    const [gate] = two.gates
    const values = await Promise.all(counted.map(name => gate.metric(`sallyport_${name}`)))
    const asked = await gate.metric('sallyport_sessions_total{verdict="health"}')
    return { quiet: [...values, gate.log().length, await two.redis.command('DBSIZE')], asked }
  }

  it('asks the SMTP port with PROXY LOCAL, and nothing is judged, logged or learnt from that', async () => {
    // The line of a session that has just ended may be on its way.
    let before = await memory()
    await until(async () => {
      const earlier = before
      await pause(500)
      before = await memory()
      return `${earlier.quiet}` === `${before.quiet}`
    })
    await until(async () => (await memory()).asked > before.asked + 5)
    const after = await memory()
    assert.deepEqual(after.quiet, before.quiet)
    assert.equal(await two.gates[0].metric('sallyport_proxy_headers_total{result="malformed"}'), 0)
  })

  const [, ...others] = readme.split('```haproxy\n').map(text => text.slice(0, text.indexOf('```')))

  for (const other of others) {
    it(`takes a gate for well, and for gone, by ${other.split('\n')[0]} alone, too`, async t => {
      const start = written.indexOf('    option tcp-check')
      const end = written.indexOf('    # Out after two failed checks')
      const lines = other.trimEnd().replace(/^/gm, '    ')
      const changed = `${written.slice(0, start)}${lines}\n${written.slice(end)}`
      const ownPort = lines.includes('check port') ? [/^ {4}default-server.*$/m, ''] : ['', '']
      const text = changed.replace(ownPort[0] ?? '', '')
      const before = await memory()
      // The key for a port of its own is asked for wherever it stands.
      const second = await startBefore(t, two, text.includes('port 9525') ? text : `${text}# port 9525\n`)
      await pause(1_000)
      assert.deepEqual(await states(second), ['UP', 'UP'])
      assert.deepEqual((await memory()).quiet, before.quiet)
      const [, gone] = two.gates
      await gone.stop()
      await until(async () => (await states(second))[1] === 'DOWN')
      await gone.start()
      await until(async () => (await states(second))[1] === 'UP')
    })
  }
}

function testDrain(): void {
  const [first, other] = two.gates

  it('takes a gate out that drains before its port closes, and not one message fails', async t => {
    const idle = await idleAt(t, first)
    const traffic = new Traffic(t, haproxy.port, 8)
    await until(() => traffic.sent.size > 40)
    first.signal('SIGTERM')
    await until(async () => (await states(haproxy))[0] === 'DOWN')
    // Whoever comes straight to the gate is still greeted.
    const direct = await connect(t, { port: two.ports.smtp, host: '127.0.0.11', localAddress: '127.0.0.77' })
    await direct.line(/^220/)
    // A session that is open hears of it, and the next attempt is well.
    await idle.expect(/^421 4\.3\.2 /)
    assert.deepEqual(await first.exited, { code: 0, signal: null })
    await pause(500)
    await traffic.stop()
    noneLost(traffic, two.sink)
    assert.deepEqual(traffic.failures, [])
    await first.start()
    await until(async () => (await states(haproxy)).every(state => state === 'UP'))
  })

  it('drains a gate by hand by the command of its README, and takes it back', async t => {
    const commands = [...readme.matchAll(/echo "([^"]+)" \| socat stdio \/run\/haproxy\/admin\.sock/g)]
    const [drain = '', ready = ''] = commands.map(([, command = '']) => command)
    await haproxy.command(drain)
    assert.deepEqual(await states(haproxy), ['DRAIN', 'UP'])
    const seen = first.log().length
    const traffic = new Traffic(t, haproxy.port, 4)
    await until(() => traffic.sent.size > 20)
    await traffic.stop()
    assert.deepEqual([traffic.failures, first.log().length], [[], seen])
    assert.ok(other.log().length > 0)
    await haproxy.command(ready)
    assert.deepEqual(await states(haproxy), ['UP', 'UP'])
  })

  /** A session through HAProxy at this gate, which waits for its client's next command. */
  async function idleAt(owner: Owner, gate: TwoGates['gates'][number]) {
    for (;;) {
      const open = await gate.metric('sallyport_connections_open')
      const client = await connect(owner, { port: haproxy.port, localAddress: '127.0.0.88' })
      await client.expect(/^220 /m)
      await client.command('EHLO idle.example.net', /^250/)
      if ((await gate.metric('sallyport_connections_open')) > open) return client
      client.destroy()
    }
  }
}
