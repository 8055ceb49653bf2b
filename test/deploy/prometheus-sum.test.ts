// One machine, several cores: two gates on one port, a real Prometheus with the recipe's configuration, and what it makes of the two.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
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

/** How long a busy machine may take. */
const waitMs = 20_000

const owner = { after }
const redis = await startRedis()
undoAfter(owner, () => redis.stop())
const sink = await startSink(owner, { proxy: true })
const port = await freePort()
const names = [await freePort(), await freePort()] as const
// At the same time: only after five seconds does Prometheus look for its targets.
const [gates, prometheus] = await Promise.all([
  startPair(owner, await coresSettings(sink, redis), holdSocket(owner, port), names),
  startPrometheus(owner, {
    'prometheus.yaml': await configuration(),
    'alerts.yaml': await textOf('deploy/prometheus/alerts.yaml'),
  }),
])
const [first, second] = gates
const instanceOf = (gate: RunningGate): string => `127.0.0.1:${gate.adminPort}`

/** The scrape configuration of deploy/prometheus, with the targets that deploy/systemd names for several cores, and more often. */
async function configuration(): Promise<string> {
  const [, targets = ''] = /- targets: (\[.*\])/.exec(await textOf('deploy/systemd/README.md')) ?? []
  return adapted(await textOf('deploy/prometheus/scrape.yaml'), {
    'scrape_interval: 15s': `scrape_interval: ${intervalMs}ms`,
    'evaluation_interval: 15s': `evaluation_interval: ${intervalMs}ms`,
    '["127.0.0.1:9525"]': adapted(targets, {
      '127.0.0.1:9525': `127.0.0.1:${names[0]}`,
      '127.0.0.1:9526': `127.0.0.1:${names[1]}`,
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

/** Waits until a check passes; rejects with what it said last. */
async function comesTrue(check: () => Promise<void>): Promise<void> {
  let failure: unknown
  const passes = async () => {
    try {
      await check()
      return true
    } catch (error) {
      failure = error
      return false
    }
  }
  await until('the check passes', passes, waitMs).catch(() => {
    throw failure
  })
}

/** Waits until Prometheus has of each gate what the gate itself says now: nothing less and nothing more. */
async function agree(wanted: readonly RunningGate[] = gates): Promise<void> {
  await Promise.all(wanted.map(agrees))
}

async function agrees(gate: RunningGate): Promise<void> {
  const of = `job="sallyport", instance="${instanceOf(gate)}"`
  await comesTrue(async () => {
    const said = steady(samplesOf(await gate.metrics()))
    const at = Date.now() / 1000
    await until(
      'it has been scraped since',
      async () => (await prometheus.value(`timestamp(up{${of}} == 1)`)) >= at,
      waitMs,
    )
    assert.ok(said.size > 100)
    assert.deepEqual(steady(await prometheus.query(`{${of}}`)), said)
  })
}

/** Sessions so far of clients that did nothing wrong, and of those that did. */
interface Sessions {
  good: number
  bad: number
}

const passed = 'sallyport_sessions_total{verdict="passed"}'
const passedAt = (gate: RunningGate): string => `${passed.slice(0, -1)},instance="${instanceOf(gate)}"}`

/** At any gate, in any of its lives. */
const sessions: Sessions = { good: 0, bad: 0 }
let clients = 0

/** Those that a gate has counted. */
async function sessionsOf(gate: RunningGate): Promise<Sessions> {
  const samples = samplesOf(await gate.metrics()).filter(({ name }) => name === 'sallyport_sessions_total')
  const sum = (verdicts: readonly string[]) =>
    samples.filter(({ labels }) => verdicts.includes(labels['verdict'] ?? '')).reduce((so, { value }) => so + value, 0)
  return { good: sum(['passed']), bad: sum(['deferred', 'refused']) }
}

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

/** Clients of both kinds come until each gate has had some of both; then all of them are over, and Prometheus knows. */
async function haveClients(): Promise<void> {
  const before = await Promise.all(gates.map(sessionsOf))
  const { good, bad } = sessions
  let own: Sessions[] = []
  do {
    assert.ok(clients < 250, 'a gate has had nobody')
    const round = Array.from({ length: 5 }, () => (clients += 1))
    await Promise.all(round.flatMap(client => [bringMail(client), jumpTheGun(client)]))
    await until(
      'all sessions are counted',
      async () => {
        const now = await Promise.all(gates.map(sessionsOf))
        own = now.map((had, i) => ({ good: had.good - (before[i]?.good ?? 0), bad: had.bad - (before[i]?.bad ?? 0) }))
        const sum = (kind: keyof Sessions) => own.reduce((so, had) => so + had[kind], 0)
        return sum('good') === sessions.good - good && sum('bad') === sessions.bad - bad
      },
      waitMs,
    )
  } while (!own.every(had => had.good > 0 && had.bad > 0))
  await agree()
}

/** The latest moment (seconds since 1970) of which Prometheus will learn nothing more: what was being scraped then has come, or will not. */
const settled = (): number => (Date.now() - intervalMs) / 1000

/** Asserts that an expression has, for both gates together, what its values for each of them make; gives those for both. */
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

async function panelsFoldRight(at: number): Promise<void> {
  const panels = await panelsOf()
  assert.ok(panels.length > 20)
  const folded = async ({ title, exprs }: (typeof panels)[number]) => {
    const shown = await Promise.all(exprs.map(expr => foldsRight(title, expr, at)))
    assert.ok(shown.flat().length > 0, title)
  }
  await Promise.all(panels.map(folded))
}

describe('two gates on one port, and one Prometheus', () => {
  before(async () => {
    // Of both it knows that they began at 0.
    await agree()
    await haveClients()
  })

  it('keep apart what each of them says', async () => {
    for (const gate of gates) {
      const { good } = await sessionsOf(gate)
      assert.ok(good > 0 && good < sessions.good)
      assert.equal(await prometheus.value(passedAt(gate)), good)
    }
  })

  it('have in the sum of each counter what both say', async () => {
    const byName = 'sum by (name) (label_replace({job="sallyport"}, "name", "$1", "__name__", "(.*)"))'
    // What the store could not take at once, as this machine is busy, it takes later, and counts then.
    await comesTrue(async () => {
      const own = (await Promise.all(gates.map(gate => gate.metrics()))).flatMap(samplesOf)
      const sums = new Map<string, number>()
      for (const { name, value } of own.filter(({ name }) => /^sallyport_.*_(?:total|count|bucket)$/.test(name)))
        sums.set(name, (sums.get(name) ?? 0) + value)
      const known = new Map((await prometheus.query(byName)).map(({ labels, value }) => [labels['name'], value]))
      assert.ok(sums.size > 20)
      for (const [name, sum] of sums) assert.equal(known.get(name), sum, name)
    })
    assert.equal(await prometheus.value('sum(sallyport_connections_total)'), sessions.good + sessions.bad)
  })

  it('have gauges that are put together as the page says, each of them', async t => {
    const held = await Promise.all([1, 2, 3].map(host => connect(t, { port, localAddress: `127.6.0.${host}` })))
    await Promise.all(held.map(client => client.expect(/^220 /m)))
    await until(
      'all connections are open',
      async () => (await prometheus.value('sum(sallyport_connections_open)')) === held.length,
      waitMs,
    )
    const at = settled()
    const exprs = (await gaugesOf(await first.metrics())).map(
      ({ fold, name, labels }) => `${fold} by (${labels.join()}) (${name}{job="sallyport"})`,
    )
    await Promise.all(exprs.map(async expr => assert.ok((await foldsRight('the page', expr, at)).length > 0, expr)))
  })

  it('are together in the queries of the page and in each panel of the dashboard, and the recorded ratio is of both', async () => {
    const at = settled()
    const [, queries = ''] = /```promql\n([^`]*)```/.exec(await textOf('deploy/systemd/README.md')) ?? []
    for (const expr of queries.trim().split('\n')) assert.ok((await foldsRight('the page', expr, at)).length > 0, expr)
    await panelsFoldRight(at)
    const ratio = 'sallyport:stopped_ratio:rate15m'
    await comesTrue(async () => {
      const evaluated = await prometheus.value(`timestamp(${ratio})`)
      const rates = await prometheus.query('rate(sallyport_sessions_total[15m])', evaluated)
      const sum = (verdicts: RegExp) =>
        rates.filter(({ labels }) => verdicts.test(labels['verdict'] ?? '')).reduce((so, { value }) => so + value, 0)
      const [recorded, own] = [await prometheus.value(ratio, evaluated), sum(/^(?:deferred|refused)$/) / sum(/./)]
      assert.ok(isClose(recorded, own), `${recorded} is recorded, and ${own} is so`)
    })
    assert.ok(Math.abs((await prometheus.value(ratio)) - sessions.bad / (sessions.good + sessions.bad)) < 0.1)
  })

  it('raise what is wrong with one of them for that one, and all rules can be evaluated', async () => {
    const alerts = () => prometheus.query('ALERTS{alertstate="firing"}')
    assert.deepEqual(await alerts(), [])
    await writeFile(first.file, 'backend: [')
    first.signal('SIGHUP')
    await until('there is an alert', async () => (await alerts()).length > 0, waitMs)
    assert.deepEqual(
      (await alerts()).map(({ labels }) => [labels['alertname'], labels['instance']]),
      [['SallyportConfigReloadFailed', instanceOf(first)]],
    )
    assert.equal(await prometheus.value('min(sallyport_config_reload_successful)'), 0)
    await writeFile(first.file, first.settings)
    first.signal('SIGHUP')
    await until('there is none', async () => (await alerts()).length === 0, waitMs)
    const rules = await prometheus.rules()
    assert.ok(rules.length > 20)
    for (const { name, health, lastError = '' } of rules) assert.deepEqual([name, health, lastError], [name, 'ok', ''])
  })

  it('go on adding up when one of them has started again and counts from 0', async () => {
    const { good: ofFirst } = await sessionsOf(first)
    await second.stop()
    // It is to be down for two minutes before somebody is woken.
    await comesTrue(async () => {
      const down = await prometheus.query('ALERTS{alertname="SallyportDown"}')
      assert.deepEqual(
        down.map(({ labels }) => [labels['instance'], labels['alertstate']]),
        [[instanceOf(second), 'pending']],
      )
      assert.equal(await prometheus.value('sum(up{job="sallyport"})'), 1)
    })
    await second.start()
    await agree([second])
    assert.equal(await prometheus.value(passedAt(second)), 0)
    await haveClients()

    const over = Date.now() / 1000
    await until('all that was scraped has come', () => settled() > over)
    const at = settled()
    assert.equal(await prometheus.value(`resets(${passedAt(second)}[1h])`, at), 1)
    const sum = await prometheus.value(`sum(${passed})`, at)
    const now = await Promise.all(gates.map(sessionsOf))
    assert.equal(
      sum,
      now.reduce((so, { good }) => so + good, 0),
    )
    assert.ok(sum < sessions.good)
    // From the first scrape, of 0, to the last; Prometheus adds what may have come since, up to a scrape's time (its extrapolation).
    const increase = await prometheus.value(`sum(increase(${passed}[1h]))`, at)
    assert.ok(increase >= sessions.good - 1e-6 && increase < 1.3 * sessions.good, `${increase} of ${sessions.good}`)
    // A step later, as the steps are not where `at` is.
    const ofSum = await prometheus.value(`increase(sum(${passed})[1h:${intervalMs}ms])`, at + intervalMs / 1000)
    assert.ok(
      ofSum >= sessions.good + ofFirst,
      `the sum first: ${ofSum} of ${sessions.good}, ${ofFirst} of them once more`,
    )
    await panelsFoldRight(at)
  })
})
