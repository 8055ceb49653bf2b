import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { startRbldnsd } from '../support/rbldnsd.ts'
import { samplesOf } from '../support/samples.ts'
import { startSink } from '../support/sink.ts'
import { unpacked } from '../support/unpacked.ts'
import { believing, connectAs, proxyBlock, sendMail, untilRcpt } from './client.ts'

const repository = resolve(import.meta.dirname, '../../..')

/** A gate that has had a session of every kind, and what its metrics say then. */
async function afterAllKinds(t: Parameters<typeof startGate>[0]): Promise<string> {
  const sink = await startSink(t, { proxy: true })
  const dns = await startRbldnsd(t, {
    'bl.example.test': ['127.0.0.2 :127.0.0.2:Test', '192.0.2.0/24 :127.0.0.2:Listed'],
    'overused.example.test': ['127.0.0.2 :127.0.0.2:Test', '192.0.2.0/24 :127.255.255.254:Query limit exceeded'],
  })
  const pair = await (await makeAuthority(t)).issue(['mx.example.test'])
  const gate = await startGate(
    t,
    `backend: 127.0.0.1:${sink.port}
${believing}
${certificatesKey(pair)}
access: { deny: [192.0.2.66], allow: [192.0.2.77] }
limits: { per_client: 1 }
delays: { turned_away: 0s }
dnsbl: { resolvers: ['${dns.server}'], zones: [bl.example.test, overused.example.test, unserved.example.test] }`,
  )
  const passed = await connectAs(t, gate, '192.0.2.1')
  await sendMail(passed, 'Subject: x\r\n\r\n')
  for (const again of ['192.0.2.1', '192.0.2.77', '2001:db8::1']) {
    await gate.waitForSession(() => gate.log().length > 0)
    await sendMail(await connectAs(t, gate, again), 'Subject: x\r\n\r\n')
  }
  for (const code of [450, 550]) {
    const bot = await connectAs(t, gate, '192.0.2.3', { early: 'EHLO bot.example.net\r\n' })
    await bot.expect(/^220 /m)
    await bot.expect(/^250/)
    await bot.command('MAIL FROM:<bot@example.net>', /^250/)
    await bot.command('RCPT TO:<user@example.test>', new RegExp(`^${code} `))
    await bot.command('QUIT', /^221/)
    await gate.waitForSession(({ reply }) => reply?.startsWith(`${code}`) === true)
  }
  await (await connectAs(t, gate, '192.0.2.66')).expect(/^521 /)
  const holding = await connectAs(t, gate, '192.0.2.5')
  await holding.expect(/^220 /m)
  await (await connectAs(t, gate, '192.0.2.5')).expect(/^421 4\.7\.0/)
  holding.destroy()
  const probe = await connect(t, { port: gate.port })
  probe.sendRaw(proxyBlock(null))
  await probe.expect(/^220 /)
  probe.end()
  sink.faults.set('greeting', { kind: 'fin', times: 1 })
  assert.match(await untilRcpt(await connectAs(t, gate, '192.0.2.6')), /^451 4\.3\.0 Mail system temporarily/)
  await gate.waitForSession(({ client }) => client === '192.0.2.5')
  await probe.closed
  const metrics = await gate.metrics()
  const verdicts = new Set(gate.log().map(({ verdict }) => verdict))
  assert.deepEqual([...verdicts].toSorted(), ['abandoned', 'deferred', 'dropped', 'passed', 'refused'])
  return metrics
}

test('/metrics is what Prometheus wants, no label holds what a client said, and README and alerts ask for what is there', async t => {
  const metrics = await afterAllKinds(t)
  const { error, output } = await checkMetrics(unpacked('prometheus', 'usr/bin/promtool'), metrics)
  assert.equal(error, null, output)
  assert.equal(output, '')

  const samples = samplesOf(metrics)
  for (const { name, labels } of samples) {
    for (const [label, text] of Object.entries(labels)) {
      // The names that the operator gave the servers.
      if (label === 'backend') {
        assert.match(text, /^127\.0\.0\.1:\d+$/)
        continue
      }
      // The longest is one of Node 24: `shared_trusted_large_object`.
      const isOurs = label === 'zone' ? /^(?:bl|overused|unserved)\.example\.test$/ : /^[\w.+-]{1,32}$/
      assert.match(text, isOurs, `${name} ${label}`)
      assert.doesNotMatch(text, /(?:\d+\.){3}\d+|:|example\.net/, `${name} ${label}`)
    }
  }
  const readme = await readFile(resolve(repository, 'README.md'), 'utf8')
  const told = [...readme.matchAll(/`(sallyport_\w+)(?:\{([\w,]+)\})?`/g)]
  assert.ok(told.length >= 15, `${told.length} metrics in README.md`)
  for (const [, name = '', labels = ''] of told) {
    const sample = samples.find(each => each.name === name || each.name === `${name}_count`)
    assert.ok(sample, `README.md has ${name}`)
    assert.deepEqual(Object.keys(sample.labels).toSorted(), labels.split(',').filter(Boolean).toSorted(), name)
  }

  const { groups } = parse(await readFile(resolve(repository, 'deploy/prometheus/alerts.yaml'), 'utf8'))
  const rules: { readonly expr: string; readonly record?: string }[] = groups.flatMap(
    (group: { rules: [] }) => group.rules,
  )
  const recorded = new Set(['up', ...rules.map(({ record }) => record)])
  for (const { expr } of rules) {
    const asked = [...expr.matchAll(/\b((?:sallyport|nodejs|process)[\w:]*|up)\b(?:\{([^}]*)\})?/g)]
    assert.ok(asked.length > 0, expr)
    for (const [, name = '', selector = ''] of asked.filter(([, name]) => !recorded.has(name))) {
      const named = samples.filter(each => each.name === name)
      assert.ok(named.length > 0, `${expr} asks for ${name}`)
      for (const [, label = '', operator = '', wanted = ''] of selector.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
        if (label === 'job') continue
        const known = named.map(({ labels }) => labels[label])
        for (const value of operator === '=~' ? wanted.split('|') : [wanted]) {
          assert.ok(known.includes(value), `${expr} asks for ${label}="${value}" of ${name}`)
        }
      }
    }
  }
})

test('/healthz and /readyz say how it is, with the server behind down and while it drains', async t => {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `backend: 127.0.0.1:${sink.port}\n${believing}\ndrain: { delay: 1s, wait: 20s }`)
  assert.deepEqual(await gate.admin('/healthz'), { status: 200, text: 'ok\n' })
  assert.deepEqual(await gate.admin('/readyz'), { status: 200, text: 'ready\nbackend: up\nstore: up\n' })
  assert.equal((await gate.admin('/')).status, 404)
  const post = await fetch(`http://127.0.0.1:${gate.adminPort}/metrics`, { method: 'POST' })
  assert.equal(post.status, 405)

  await sink.stop()
  assert.match(await untilRcpt(await connectAs(t, gate, '192.0.2.7')), /^451 /)
  await gate.waitForLine(({ event, level }) => event === 'backend' && level === 'error')
  assert.deepEqual(await gate.admin('/readyz'), { status: 200, text: 'ready\nbackend: down\nstore: up\n' })
  assert.equal(await gate.metric('sallyport_backend_up'), 0)
  await sink.start()

  const before = await connectAs(t, gate, '192.0.2.8')
  assert.match(await untilRcpt(before), /^250 /)
  gate.signal('SIGTERM')
  await gate.waitForLine(({ event }) => event === 'drain')
  assert.deepEqual(await gate.admin('/readyz'), { status: 503, text: 'draining\n' })
  assert.equal((await gate.admin('/healthz')).status, 200)
  assert.equal(await gate.metric('sallyport_draining'), 1)
  const late = await connectAs(t, gate, '192.0.2.9')
  assert.match(await untilRcpt(late), /^250 /, 'until balancers have noticed, clients are still served')
  await late.command('RSET', /^250/)
  await before.command('DATA', /^354/)
  await late.expect(/^421 4\.3\.2 gate\.example\.test Service shutting down, try again later; ref=/)
  // A message that has begun comes to its end.
  before.sendRaw('Subject: last\r\n\r\ntext\r\n.\r\n')
  await before.expect(/^250 .*queued as/)
  await before.expect(/^421 4\.3\.2 /)
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
})

function checkMetrics(
  program: string,
  text: string,
): Promise<{ readonly error: Error | null; readonly output: string }> {
  return new Promise(done => {
    const child = execFile(program, ['check', 'metrics'], (error, stdout, stderr) =>
      done({ error, output: stdout + stderr }),
    )
    child.stdin?.end(text)
  })
}
