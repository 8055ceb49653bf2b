import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { promtool } from '../support/promtool.ts'
import { command } from './command.ts'
import { pathOf, textOf, yamlOf } from './files.ts'

interface Rule {
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const folder = 'deploy/prometheus'

/** The metrics that the rules may ask for, and the labels of each. */
const metrics: Readonly<Record<string, readonly string[]>> = {
  up: ['job'],
  sallyport_connections_open: [],
  sallyport_connections_limit: [],
  sallyport_connections_refused_total: ['reason'],
  sallyport_sessions_total: ['verdict'],
  sallyport_added_delay_seconds_bucket: ['client'],
  sallyport_messages_total: ['result'],
  sallyport_backend_up: [],
  sallyport_backend_connections_total: ['result'],
  sallyport_backend_reply_seconds_bucket: ['command'],
  sallyport_store_up: [],
  sallyport_dnsbl_lookups_total: ['zone', 'result'],
  sallyport_config_reload_successful: [],
  sallyport_draining: [],
  sallyport_log_dropped_total: [],
  nodejs_eventloop_lag_p99_seconds: ['job'],
}

async function rules(): Promise<readonly Rule[]> {
  const file = (await yamlOf(`${folder}/alerts.yaml`)) as { groups: { rules: Rule[] }[] }
  return file.groups.flatMap(group => group.rules)
}

describe('the Prometheus files', () => {
  let program = ''
  before(async () => {
    program = await promtool()
  })

  it('are taken by promtool: the scrape configuration, and the rules that it names', async () => {
    const { code, stdout, stderr } = await command(program, ['check', 'config', pathOf(`${folder}/scrape.yaml`)])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /1 rule files found/)
    const checked = await command(program, ['check', 'rules', pathOf(`${folder}/alerts.yaml`)])
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, new RegExp(`SUCCESS: ${(await rules()).length} rules found`))
  })

  it('raise the alerts that their own tests expect', async () => {
    const { code, stdout, stderr } = await command(program, ['test', 'rules', pathOf(`${folder}/alerts.test.yaml`)])
    assert.equal(code, 0, stdout + stderr)
  })

  it('have a test that raises each alert', async () => {
    const text = await textOf(`${folder}/alerts.test.yaml`)
    const raised = new Set([...text.matchAll(/alertname(?:="|: )(\w+)/g)].map(match => match[1]))
    const alerts = (await rules()).flatMap(rule => (rule.alert === undefined ? [] : [rule.alert]))
    assert.deepEqual(alerts.toSorted(), [...raised].toSorted())
  })

  it('ask only for metrics and labels that the gate has', async () => {
    for (const { alert, expr } of await rules()) {
      const asked = [...expr.matchAll(/\b((?:sallyport|nodejs)_\w+|up)(?:\{([^}]*)\})?/g)]
      assert.ok(asked.length > 0 || /sallyport:/.test(expr), `${alert} asks for nothing`)
      for (const [, name = '', selector = ''] of asked) {
        const labels = metrics[name]
        assert.ok(labels, `${alert} asks for ${name}`)
        for (const [, label = ''] of selector.matchAll(/(\w+)\s*[=!]/g)) {
          assert.ok(labels.includes(label), `${alert} asks for ${label} of ${name}`)
        }
      }
    }
  })

  it('say how grave each alert is, what it means, and what to do', async () => {
    for (const { alert, labels, annotations } of await rules()) {
      if (alert === undefined) continue
      assert.ok(['critical', 'warning'].includes(labels?.['severity'] ?? ''), alert)
      assert.deepEqual(Object.keys(annotations ?? {}).toSorted(), ['action', 'summary'], alert)
    }
  })
})
