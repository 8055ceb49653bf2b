// One machine, several cores: two gates on one port, a real Prometheus with the recipe's configuration, and what it makes of the two.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { sendMail } from '../e2e/client.ts'
import { adapted } from '../support/balancer.ts'
import { connect } from '../support/dialogue.ts'
import type { RunningGate } from '../support/gate.ts'
import { holdSocket } from '../support/held-socket.ts'
import { undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startPrometheus } from '../support/prometheus.ts'
import { startRedis } from '../support/redis.ts'
import { type Sample, samplesOf } from '../support/samples.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { textOf } from './files.ts'
import { foldOf, gaugesOf, isClose, keyOf, panelsOf } from './gate-sums.ts'
import { coresSettings, startPair } from './two-cores.ts'

/** From scrape to scrape, and at most for each. */
const intervalMs = 500

const owner = { after }
const redis = await startRedis()
undoAfter(owner, () => redis.stop())
const sink = await startSink(owner, { proxy: true })
const port = await freePort()
const gates = await startPair(owner, await coresSettings(sink, redis), holdSocket(owner, port))
const [first, second] = gates
const instanceOf = (gate: RunningGate): string => `127.0.0.1:${gate.adminPort}`
const prometheus = await startPrometheus(owner, {
  'prometheus.yaml': await configuration(),
  'alerts.yaml': await textOf('deploy/prometheus/alerts.yaml'),
})

/** The scrape configuration of deploy/prometheus, with the targets that deploy/systemd names for several cores, and more often. */
async function configuration(): Promise<string> {
  const [, targets = ''] = /- targets: (\[.*\])/.exec(await textOf('deploy/systemd/README.md')) ?? []
  return adapted(await textOf('deploy/prometheus/scrape.yaml'), {
    'scrape_interval: 15s': `scrape_interval: ${intervalMs}ms`,
    'evaluation_interval: 15s': `evaluation_interval: ${intervalMs}ms`,
    '["127.0.0.1:9525"]': adapted(targets, {
      '127.0.0.1:9525': instanceOf(first),
      '127.0.0.1:9526': instanceOf(second),
    }),
  })
}

/** Samples by their names and labels, without what changes from one moment to the next, and what Prometheus knows of a target. */
function steady(samples: readonly Sample[]): Map<string, number> {
  const own = samples.filter(({ name }) => /^sallyport_(?!load_)|^process_start_time/.test(name))
  const entries = own.map(({ name, labels: { instance: _, ...labels }, value }) => [
    keyOf({ name, labels, value }),
    value,
  ])
  return new Map(entries.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)) as [string, number][])
}

/** Waits until Prometheus has of a gate what the gate itself says now: nothing less and nothing more. */
async function agrees(gate: RunningGate): Promise<void> {
  let said = new Map<string, number>()
  let known = new Map<string, number>()
  const isSo = async () => {
    known = steady(await prometheus.query(`{job="sallyport", instance="${instanceOf(gate)}"}`))
    said = steady(samplesOf(await gate.metrics()))
    return said.size > 100 && isDeepStrictEqual(known, said)
  }
  await until(isSo, 20_000).catch(() => assert.deepEqual(known, said))
}

const passed = 'sallyport_sessions_total{verdict="passed"}'
const stopped = ['deferred', 'refused'].map(verdict => `sallyport_sessions_total{verdict="${verdict}"}`)

/** Sessions so far of clients that did nothing wrong, and of those that did, at any gate. */
const sessions = { good: 0, bad: 0 }
let clients = 0

/** A client that brings two messages, one as a stranger and one as somebody who is known. */
async function bringMail(client: number): Promise<void> {
  for (const subject of ['stranger', 'known']) {
    const dialogue = await connect(owner, { port, localAddress: `127.4.${client}.1` })
    assert.match(await sendMail(dialogue, `Subject: ${subject}\r\n\r\nhello\r\n`), /^250 /)
    sessions.good += 1
  }
}

/** A client that speaks before it is greeted. */
async function jumpTheGun(client: number): Promise<void> {
  const bot = await connect(owner, { port, localAddress: `127.5.${client}.1` })
  bot.sendRaw('EHLO bot.example.net\r\n')
  await bot.expect(/^220 /m)
  await bot.expect(/^250/)
  await bot.command('MAIL FROM:<bot@example.net>', /^250/)
  await bot.command('RCPT TO:<user@example.test>', /^[45]50 /)
  await bot.command('QUIT', /^221/)
  sessions.bad += 1
}

const countOf = async (gate: RunningGate, samples: readonly string[]): Promise<number> => {
  const counts = await Promise.all(samples.map(sample => gate.metric(sample)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Clients of both kinds come until each gate has had some of both; then all of them are over, and Prometheus knows. */
async function haveVisitors(): Promise<void> {
  const kinds = [[passed], stopped]
  const counts = () => Promise.all(gates.flatMap(gate => kinds.map(kind => countOf(gate, kind))))
  const before = await counts()
  const wanted = { good: sessions.good, bad: sessions.bad }
  await until(async () => {
    const round = Array.from({ length: 6 }, () => (clients += 1))
    await Promise.all(round.flatMap(client => [bringMail(client), jumpTheGun(client)]))
    return (await counts()).every((count, i) => count > (before[i] ?? 0))
  }, 30_000)
  const sumOf = (list: readonly number[], kind: number) => (list[kind] ?? 0) + (list[kind + kinds.length] ?? 0)
  await until(async () => {
    const now = await counts()
    const [good, bad] = [0, 1].map(kind => sumOf(now, kind) - sumOf(before, kind))
    return good === sessions.good - wanted.good && bad === sessions.bad - wanted.bad
  })
  for (const gate of gates) await agrees(gate)
}

/** A moment of which Prometheus will learn nothing more: what was being scraped then has come, or will not. */
async function settledMoment(): Promise<number> {
  const at = Date.now()
  await until(() => Date.now() > at + intervalMs)
  return at / 1000
}

/** Whether an expression has, for both gates together, what its values for each of them make. */
async function foldsRight(what: string, expr: string, at: number): Promise<readonly Sample[]> {
  const { of, fold } = foldOf(expr)
  const ask = (instances: string) => prometheus.query(of(instances), at)
  const all = await ask(gates.map(instanceOf).join('|'))
  const each = await Promise.all(gates.map(gate => ask(instanceOf(gate))))
  for (const sample of all) {
    const key = keyOf(sample)
    const own = each.flatMap(samples => samples.filter(other => keyOf(other) === key)).map(({ value }) => value)
    fold(
      sample.value,
      own.filter(value => !Number.isNaN(value)),
      `${what}: ${expr} ${key}`,
    )
    assert.ok(!(sample.value < 0), `${what}: ${expr} ${key} is ${sample.value}`)
  }
  const keys = (samples: readonly Sample[]) => [...new Set(samples.map(keyOf))].toSorted()
  assert.deepEqual(keys(all), keys(each.flat()), `${what}: ${expr}`)
  return all
}

for (const gate of gates) await agrees(gate)
await haveVisitors()

describe('two gates on one port, and one Prometheus', () => {
  it('keep apart what each of them says', async () => {
    const counts = await Promise.all(gates.map(gate => countOf(gate, [passed])))
    const known = await prometheus.query(`${passed.slice(0, -1)},job="sallyport"}`)
    assert.deepEqual(
      known.map(({ labels, value }) => [labels['instance'], value]).toSorted(),
      gates.map((gate, i) => [instanceOf(gate), counts[i]]).toSorted(),
    )
    assert.ok(counts.every(count => count > 0 && count < sessions.good))
  })

  it('have in the sum of each counter what both say', async () => {
    const own = (await Promise.all(gates.map(gate => gate.metrics()))).flatMap(samplesOf)
    const counters = own.filter(({ name }) => /^sallyport_.*_(?:total|count|bucket)$/.test(name))
    const sums = new Map<string, number>()
    for (const { name, value } of counters) sums.set(name, (sums.get(name) ?? 0) + value)
    const known = await prometheus.query(
      'sum by (name) (label_replace({job="sallyport"}, "name", "$1", "__name__", "(.*)"))',
    )
    for (const [name, sum] of sums) {
      assert.equal(known.find(({ labels }) => labels['name'] === name)?.value, sum, name)
    }
    assert.equal(await prometheus.value('sum(sallyport_connections_total)'), sessions.good + sessions.bad)
  })

  it('have gauges that are put together as the page says, each of them', async t => {
    const held = await Promise.all([1, 2, 3].map(host => connect(t, { port, localAddress: `127.6.0.${host}` })))
    await Promise.all(held.map(client => client.expect(/^220 /m)))
    await until(async () => (await prometheus.value('sum(sallyport_connections_open)')) === held.length)
    const at = await settledMoment()
    for (const { fold, name, labels } of await gaugesOf(await first.metrics())) {
      const expr = `${fold} by (${labels.join()}) (${name}{job="sallyport"})`
      assert.ok((await foldsRight('the page', expr, at)).length > 0, expr)
    }
    for (const client of held) client.destroy()
    for (const gate of gates) await agrees(gate)
  })

  it('are together in the queries of the page and in each panel of the dashboard, and the recorded ratio is of both', async () => {
    const at = await settledMoment()
    const [, queries = ''] = /```promql\n([^`]*)```/.exec(await textOf('deploy/systemd/README.md')) ?? []
    for (const expr of queries.trim().split('\n')) assert.ok((await foldsRight('the page', expr, at)).length > 0, expr)
    for (const { title, exprs } of await panelsOf()) {
      const shown = (await Promise.all(exprs.map(expr => foldsRight(title, expr, at)))).flat()
      // Nobody's mail was taken that a check had failed.
      assert.equal(shown.length > 0, title !== 'Candidates for false positives', title)
    }
    const ratio = 'sallyport:stopped_ratio:rate15m'
    await until(async () => {
      const evaluated = await prometheus.value(`timestamp(${ratio})`)
      const rates = await prometheus.query('rate(sallyport_sessions_total[15m])', evaluated)
      const sum = (verdicts: RegExp) =>
        rates.filter(({ labels }) => verdicts.test(labels['verdict'] ?? '')).reduce((so, { value }) => so + value, 0)
      return isClose(await prometheus.value(ratio, evaluated), sum(/^(?:deferred|refused)$/) / sum(/./))
    })
    assert.ok(Math.abs((await prometheus.value(ratio)) - sessions.bad / (sessions.good + sessions.bad)) < 0.1)
  })

  it('raise what is wrong with one of them for that one, and all rules can be evaluated', async () => {
    const alerts = () => prometheus.query('ALERTS{alertstate="firing"}')
    assert.deepEqual(await alerts(), [])
    await writeFile(first.file, 'backend: [')
    first.signal('SIGHUP')
    await until(async () => (await alerts()).length > 0)
    assert.deepEqual(
      (await alerts()).map(({ labels }) => [labels['alertname'], labels['instance']]),
      [['SallyportConfigReloadFailed', instanceOf(first)]],
    )
    await writeFile(first.file, first.settings)
    first.signal('SIGHUP')
    await until(async () => (await alerts()).length === 0)
    const rules = await prometheus.rules()
    assert.ok(rules.length > 20)
    for (const { name, health, lastError = '' } of rules) assert.deepEqual([name, health, lastError], [name, 'ok', ''])
  })

  it('go on adding up when one of them has started again and counts from 0', async () => {
    const of = `instance="${instanceOf(second)}"`
    const ofFirst = await countOf(first, [passed])
    await second.stop()
    // It is to be down for two minutes before somebody is woken.
    await until(async () => (await prometheus.query('ALERTS{alertname="SallyportDown"}')).length > 0)
    const down = await prometheus.query('ALERTS{alertname="SallyportDown"}')
    assert.deepEqual(
      down.map(({ labels }) => [labels['instance'], labels['alertstate']]),
      [[instanceOf(second), 'pending']],
    )
    assert.equal(await prometheus.value('sum(up{job="sallyport"})'), 1)
    await second.start()
    await agrees(second)
    assert.equal(await prometheus.value(`${passed.slice(0, -1)},${of}}`), 0)
    await haveVisitors()

    const at = await settledMoment()
    assert.equal(await prometheus.value(`resets(${passed.slice(0, -1)},${of}}[1h])`, at), 1)
    const now = await Promise.all(gates.map(gate => countOf(gate, [passed])))
    const sum = await prometheus.value(`sum(${passed})`, at)
    assert.equal(sum, (now[0] ?? 0) + (now[1] ?? 0))
    assert.ok(sum < sessions.good)
    // From the first scrape, of 0, to the last; Prometheus adds what may have come since, up to a scrape's time (its extrapolation).
    const increase = await prometheus.value(`sum(increase(${passed}[1h]))`, at)
    assert.ok(increase >= sessions.good - 1e-6 && increase < 1.3 * sessions.good, `${increase} of ${sessions.good}`)
    const ofSum = await prometheus.value(`increase(sum(${passed})[1h:${intervalMs}ms])`, at)
    assert.ok(
      ofSum >= sessions.good + ofFirst,
      `the sum first: ${ofSum} of ${sessions.good}, ${ofFirst} of them once more`,
    )
    for (const { title, exprs } of await panelsOf()) for (const expr of exprs) await foldsRight(title, expr, at)
  })
})
