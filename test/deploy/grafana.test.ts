import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { tempDirectory } from '../support/owner.ts'
import { run } from '../support/process.ts'
import { unpacked } from '../support/unpacked.ts'
import { asGrafana, type Dashboard, readDashboard } from './dashboard.ts'
import { asksForWhatIs, metricLines } from './gate-metrics.ts'

describe('the Grafana dashboard', () => {
  let dashboard: Dashboard
  before(async () => {
    dashboard = await readDashboard()
  })

  it('asks only for metrics, labels and values of labels that the gate has', async () => {
    const lines = await metricLines()
    for (const { title, targets } of dashboard.panels) {
      assert.ok(targets.length > 0, title)
      for (const { expr } of targets) asksForWhatIs(expr, lines, title)
    }
    const [, variable] = dashboard.templating.list
    asksForWhatIs(JSON.stringify(variable?.query), lines, 'the variable')
  })

  it('has expressions that Prometheus can read', async t => {
    const rules = dashboard.panels.flatMap(({ id, targets }) =>
      targets.map(({ refId, expr }) => ({ record: `panel:${id}:${refId.toLowerCase()}`, expr: asGrafana(expr) })),
    )
    const file = join(await tempDirectory(t, 'grafana'), 'rules.yaml')
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const { code, output } = await run(unpacked('prometheus', 'usr/bin/promtool'), ['check', 'rules', file])
    assert.equal(code, 0, output)
  })

  it('counts a check once, however many gates, and proxies of theirs, it only observes for', async t => {
    const [{ expr = '' } = {}] = dashboard.panels.find(({ title }) => title === 'Disarmed checks')?.targets ?? []
    const series = (instance: string, check: string, reason: string, value: number) => ({
      series: `sallyport_check_disarmed{job="sallyport",instance="${instance}",check="${check}",reason="${reason}"}`,
      values: `0x4 ${value}x5`,
    })
    const input_series = [
      ...['mx1:9525', 'mx1:9526', 'mx2:9525'].map(instance => series(instance, 'dnsbl', 'source', 1)),
      series('mx1:9525', 'pregreet', 'proxy', 2),
      series('mx1:9525', 'spf', 'leap', 0),
    ]
    const expects = (minute: number, value: number) => {
      return { expr: asGrafana(expr), eval_time: `${minute}m`, exp_samples: [{ labels: '{}', value }] }
    }
    const story = { interval: '1m', input_series, promql_expr_test: [expects(3, 0), expects(8, 2)] }
    const file = join(await tempDirectory(t, 'grafana'), 'story.yaml')
    await writeFile(file, JSON.stringify({ rule_files: [], evaluation_interval: '1m', tests: [story] }))
    const { code, output } = await run(unpacked('prometheus', 'usr/bin/promtool'), ['test', 'rules', file])
    assert.equal(code, 0, output)
  })

  it('leaves out no other job, and knows no variable but its own', () => {
    for (const { title, targets } of dashboard.panels) {
      for (const { expr } of targets) {
        const selectors = [...expr.matchAll(/\{([^}]*)\}/g)]
        assert.ok(selectors.length > 0, title)
        for (const [, selector = ''] of selectors)
          assert.match(selector, /^job="sallyport",instance=~"\$instance"/, title)
        assert.doesNotMatch(asGrafana(expr), /\$/, title)
      }
    }
    assert.deepEqual(
      dashboard.templating.list.map(({ name }) => name),
      ['datasource', 'instance'],
    )
  })

  it('has panels that say what they show, each in a place of its own', () => {
    const ids = new Set(dashboard.panels.map(({ id }) => id))
    assert.equal(ids.size, dashboard.panels.length)
    const taken = new Set<string>()
    for (const { title, description, gridPos, datasource } of dashboard.panels) {
      assert.ok(description.endsWith('.'), title)
      assert.equal(datasource.uid, '$datasource')
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(x < 24 && !taken.has(`${x} ${y}`), title)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })
})
