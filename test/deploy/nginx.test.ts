import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { adapted, startNginx } from '../support/balancer.ts'
import { connect } from '../support/dialogue.ts'
import { freePort } from '../support/port.ts'
import { run } from '../support/process.ts'
import { until } from '../support/until.ts'
import { noneLost, testDeath, testMail, testSettings } from './balancer-cases.ts'
import { textOf } from './files.ts'
import { orRestored, startTwoGates, Traffic } from './two-gates.ts'

const recipe = 'deploy/balancers/nginx'
const written = await textOf(`${recipe}/nginx.conf`)
const two = await startTwoGates({ after }, recipe)
const port = await freePort()
// Rather than ten seconds without the gate that was killed.
const quicker = { 'fail_timeout=10s': 'fail_timeout=1s' }
const here = { ...two.places, ...quicker, 'listen 25 ': `listen ${port} `, '[::]:25': `[::]:${port}` }
const nginx = await startNginx({ after }, adapted(written, here), port)

describe('the nginx recipe', () => {
  testSettings(recipe, [60 * Number(/proxy_timeout (\d+)m;/.exec(written)?.[1])])
  testMail(two, nginx)

  it('tells the gate of the client by version 1 alone', async () => {
    const of = (result: string) => two.gates[0].metric(`sallyport_proxy_headers_total{result="${result}"}`)
    assert.ok((await of('v1')) > 0)
    assert.deepEqual([await of('v2'), await of('malformed')], [0, 0])
  })

  it('takes a gate out by the command of its README, so that it can stop under traffic, and back in', async t => {
    const [first] = two.gates
    const commands = [...(await textOf(`${recipe}/README.md`)).matchAll(/^sed -i .* && nginx -s reload$/gm)]
    assert.equal(commands.length, 2)
    const [out = '', back = ''] = commands.map(([command]) =>
      command
        .replaceAll('192.0.2.11:25', two.places['192.0.2.11:25'] ?? '')
        .replace('/etc/nginx/nginx.conf', nginx.file)
        .replace('nginx -s reload', `kill -HUP ${nginx.program.pid}`),
    )
    const traffic = new Traffic(t, port, 8)
    await until('messages are sent', () => traffic.sent.size > 40)
    assert.equal((await run('sh', ['-c', out])).code, 0)
    // It is out when nobody new comes to it.
    await until('nobody comes to it', async () => {
      const before = await first.metric('sallyport_connections_total')
      const sent = traffic.sent.size
      await until('messages are sent', () => traffic.sent.size > sent + 20)
      return (await first.metric('sallyport_connections_total')) === before
    })
    await first.stop()
    await first.start()
    assert.equal((await run('sh', ['-c', back])).code, 0)
    const seen = first.log().length
    await until('somebody comes to it', () => first.log().length > seen)
    await traffic.stop()
    noneLost(traffic, two.sink)
    assert.deepEqual(traffic.failures, [])
  })

  it('loses nothing where a gate stops without that, and who fails is through with the next attempt', async t => {
    const [, second] = two.gates
    const traffic = new Traffic(t, port, 8)
    await until('messages are sent', () => traffic.sent.size > 40)
    await orRestored(second, async () => {
      await second.stop()
      const sent = traffic.sent.size
      await until('messages are sent', () => traffic.sent.size > sent + 40)
      await traffic.stop()
      noneLost(traffic, two.sink)
      for (const { outcome } of traffic.failures) assert.match(outcome, /421 4\.3\.2|the server closed|ECONNRESET/)
    })
    await second.start()
    await (await connect(t, { port })).expect(/^220 /m)
  })

  testDeath(two, nginx)
})
