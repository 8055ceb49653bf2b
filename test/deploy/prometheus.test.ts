import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { run } from '../support/process.ts'
import { unpacked } from '../support/unpacked.ts'
import { pathOf, textOf, yamlOf } from './files.ts'
import { asksForWhatIs, metricLines } from './gate-metrics.ts'

interface Rule {
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const folder = 'deploy/prometheus'

async function rules(): Promise<readonly Rule[]> {
  const file = (await yamlOf(`${folder}/alerts.yaml`)) as { groups: { rules: Rule[] }[] }
  return file.groups.flatMap(group => group.rules)
}

describe('the Prometheus files', () => {
  const program = unpacked('promtool', 'usr/bin/promtool')

  it('are taken by promtool: the scrape configuration, and the rules that it names', async () => {
    const { code, stdout, stderr } = await run(program, ['check', 'config', pathOf(`${folder}/scrape.yaml`)])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /1 rule files found/)
    const checked = await run(program, ['check', 'rules', pathOf(`${folder}/alerts.yaml`)])
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, new RegExp(`SUCCESS: ${(await rules()).length} rules found`))
  })

  it('raise the alerts that their own tests expect', async () => {
    const { code, stdout, stderr } = await run(
      program,
      ['test', 'rules', pathOf(`${folder}/alerts.test.yaml`)],
      120_000,
    )
    assert.equal(code, 0, stdout + stderr)
  })

  it('have a test that raises each alert', async () => {
    const text = await textOf(`${folder}/alerts.test.yaml`)
    const raised = new Set([...text.matchAll(/alertname(?:="|: )(\w+)/g)].map(match => match[1]))
    const alerts = (await rules()).flatMap(rule => (rule.alert === undefined ? [] : [rule.alert]))
    assert.deepEqual(alerts.toSorted(), [...raised].toSorted())
  })

  it('ask only for metrics, labels and values of labels that the gate has', async () => {
    const lines = await metricLines()
    for (const { alert = 'the record', expr } of await rules()) asksForWhatIs(expr, lines, alert)
  })

  it('say how grave each alert is, what it means, and what to do', async () => {
    for (const { alert, labels, annotations } of await rules()) {
      if (alert === undefined) continue
      assert.ok(['critical', 'warning'].includes(labels?.['severity'] ?? ''), alert)
      assert.deepEqual(Object.keys(annotations ?? {}).toSorted(), ['action', 'summary'], alert)
    }
  })
})
