import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { replace, startBefore, startReplaceable, states } from '../drain/replace.ts'
import { replacementText, wrongWithReplacement } from '../drain/verdict.ts'
import { configOf } from '../support/config.ts'
import { undoAfter } from '../support/owner.ts'
import { until } from '../support/until.ts'
import { testDeath, testMail, testSettings } from './balancer-cases.ts'
import { textOf } from './files.ts'
import { orRestored, Traffic } from './two-gates.ts'

const recipe = 'deploy/balancers/haproxy'
const written = await textOf(`${recipe}/haproxy.cfg`)
const readme = await textOf(`${recipe}/README.md`)

const { two, haproxy } = await startReplaceable({ after })

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

/** What the first gate has counted, how often it was asked, and what Redis holds. */
async function memory() {
  const [gate] = two.gates
  const counted = ['connections_total', 'connections_refused_total{reason="proxy_header"}']
  const values = await Promise.all(counted.map(name => gate.metric(`sallyport_${name}`)))
  const asked = await gate.metric('sallyport_sessions_total{verdict="health"}')
  return { quiet: [...values, gate.log().length, await two.redis.command('DBSIZE')], asked }
}

/** The same, once nothing is added for a while: the line of a session that has just ended may be on its way. */
async function atRest() {
  let now = await memory()
  await until('nothing is added', async () => {
    const earlier = now
    await pause(500)
    now = await memory()
    return `${earlier.quiet}` === `${now.quiet}`
  })
  return now
}

function testChecks(): void {
  it('asks the SMTP port with PROXY LOCAL, and nothing is judged, logged or learnt from that', async () => {
    const before = await atRest()
    await until('it was asked', async () => (await memory()).asked > before.asked + 5)
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
      const before = await atRest()
      // The key for a port of its own is asked for wherever it stands.
      const second = await startBefore(t, two, text.includes('port 9525') ? text : `${text}# port 9525\n`)
      await pause(1_000)
      assert.deepEqual(await states(second), ['UP', 'UP'])
      assert.deepEqual((await memory()).quiet, before.quiet)
      const [, gone] = two.gates
      await orRestored(gone, async () => {
        await gone.stop()
        await until('it is out', async () => (await states(second))[1] === 'DOWN')
      })
      await gone.start()
      await until('it is back', async () => (await states(second))[1] === 'UP')
    })
  }
}

function testDrain(): void {
  const [first, other] = two.gates

  it('takes a gate out that drains, so that both are replaced under load and nothing fails that a mail server would not make good at once', async t => {
    const replacement = await replace(t, { two, haproxy }, 1)
    t.diagnostic(replacementText(replacement))
    assert.deepEqual(wrongWithReplacement(replacement), [])
  })

  it('drains a gate by hand by the command of its README, and takes it back', async t => {
    const commands = [...readme.matchAll(/echo "([^"]+)" \| socat stdio \/run\/haproxy\/admin\.sock/g)]
    const [drain = '', ready = ''] = commands.map(([, command = '']) => command)
    undoAfter(t, async () => void (await haproxy.command(ready)))
    await until('both are up', async () => (await states(haproxy)).every(state => state === 'UP'))
    await haproxy.command(drain)
    assert.deepEqual(await states(haproxy), ['DRAIN', 'UP'])
    await atRest()
    const [seen, before] = [first.log().length, other.log().length]
    const traffic = new Traffic(t, haproxy.port, 4)
    await until('messages are sent', () => traffic.sent.size > 20)
    await traffic.stop()
    assert.deepEqual([traffic.failures, first.log().length], [[], seen])
    assert.ok(other.log().length > before)
    await haproxy.command(ready)
    assert.deepEqual(await states(haproxy), ['UP', 'UP'])
  })
}
