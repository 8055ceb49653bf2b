import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { blocksOf } from '../e2e/markdown.ts'
import { adapted } from '../support/balancer.ts'
import { tempDirectory } from '../support/owner.ts'
import { run } from '../support/process.ts'
import { unpacked } from '../support/unpacked.ts'
import { pathOf, textOf, yamlOf } from './files.ts'
import { asksForWhatIs, metricLines } from './gate-metrics.ts'
import { gaugesOf } from './gate-sums.ts'

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
  const program = unpacked('prometheus', 'usr/bin/promtool')

  it('are taken by promtool: the scrape configuration, and the rules that it names', async () => {
    const { code, stdout, stderr } = await run(program, ['check', 'config', pathOf(`${folder}/scrape.yaml`)])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /1 rule files found/)
    const checked = await run(program, ['check', 'rules', pathOf(`${folder}/alerts.yaml`)])
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, new RegExp(`SUCCESS: ${(await rules()).length} rules found`))
  })

  it('raise the alerts that their own tests expect, asked as their page says', async () => {
    const [block = '', ...others] = blocksOf(await textOf(`${folder}/README.md`), 'sh')
    assert.deepEqual(others, [])
    const shell = `cd '${pathOf(folder)}'\nPATH='${dirname(program)}':$PATH\n${block}`
    const { code, output } = await run('sh', ['-ec', shell], 120_000)
    assert.equal(code, 0, output)
    assert.match(output, /Unit Testing: +alerts\.test\.yaml\n +SUCCESS/)
  })

  it('are for more gates as the page has it, in configurations that promtool takes', async t => {
    const page = await textOf(`${folder}/README.md`)
    const directory = await tempDirectory(t, 'scrape')
    const blocks = blocksOf(page, 'yaml')
    assert.equal(blocks.length, 2)
    // Debian's Prometheus finds nothing in Kubernetes; what is done with what is found it can read.
    const found = { 'kubernetes_sd_configs: [{ role: pod }]': 'static_configs: [{ targets: ["192.0.2.11:9525"] }]' }
    const [targets = '', kubernetes = ''] = blocks
    for (const block of [targets, adapted(kubernetes, found)]) {
      await writeFile(join(directory, 'scrape.yaml'), block)
      const { code, output } = await run(program, ['check', 'config', join(directory, 'scrape.yaml')])
      assert.equal(code, 0, output)
    }
    const [, app = '', port = ''] = /pod_label_app\], regex: (\w+),.*port_name\], regex: (\w+),/s.exec(kubernetes) ?? []
    const pods = await textOf('deploy/balancers/kubernetes/sallyport.yaml')
    assert.ok(pods.includes(`labels: { app: ${app} }`) && pods.includes(`{ name: ${port}, containerPort: 9525 }`))
    const [, told = ''] = /^(`Sallyport[^.]*?) are alerts of all gates together/m.exec(page) ?? []
    const ofAll = (await rules()).filter(
      ({ alert, annotations }) => alert !== undefined && !/\$labels\.instance/.test(annotations?.['summary'] ?? ''),
    )
    assert.deepEqual(
      ofAll.map(({ alert }) => alert).toSorted(),
      [...told.matchAll(/`(\w+)`/g)].map(([, alert]) => alert).toSorted(),
    )
    for (const { alert, expr } of ofAll) assert.match(expr, /\bsum(?:\(| by \(zone\))/, alert)
  })

  it('have, of several gates, a way to put each gauge together', async () => {
    const gauges = await gaugesOf((await metricLines()).join('\n'))
    assert.ok(gauges.length > 20)
    for (const { fold } of gauges) assert.ok(['sum', 'min', 'max', 'count'].includes(fold), fold)
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
