import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DnsblAnswer } from '@sallyport/proxy/lookups/dnsbl.js'
import { Metrics } from '@sallyport/proxy/metrics.js'
import { Ledger } from '@sallyport/rules'
import { run } from '../support/process.ts'
import { unpacked } from '../support/unpacked.ts'
import { pathOf, textOf, yamlOf } from './files.ts'

interface Rule {
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const folder = 'deploy/prometheus'

/** What Prometheus itself knows of a target, and the text that the gate gives it, with every label set that is known beforehand. */
async function metrics(): Promise<string> {
  const gate = new Metrics('0.0.0', {
    connectionsOpen: () => 0,
    connectionsLimit: () => 1,
    draining: () => false,
    trapped: () => 0,
    load: () => ({ shed: 0, reading: { eventLoop: 0, backend: 0 } }),
    backendUp: () => true,
    servers: () => [{ name: '10.0.0.1:25', up: true, open: 0, ejected: 0 }],
    backendWaiting: () => 0,
    logDropped: () => 0,
    ledger: () => new Ledger(),
    disarmed: () => [],
    disbelieved: () => new Set(),
    decisionsDropped: () => 0,
    lists: () => [{ name: 'bl.example', healthy: true }],
    certificates: () => ({ expiries: [{ certificate: 'mx.example', at: 2_000_000_000 }], isCurrent: true }),
    access: () => ({ allow: 0, deny: 0, loadedAt: 0 }),
    store: () => ({
      kind: 'memory',
      up: true,
      clients: 0,
      recalls: 0,
      recallErrors: 0,
      remembers: 0,
      rememberErrors: 0,
      fallbacks: 0,
    }),
  })
  const answers: DnsblAnswer[] = ['listed', 'not_listed', 'error', 'failed']
  for (const result of answers) gate.dnsblLookups.inc({ zone: 'bl.example', result })
  return `up 1\n${await gate.text()}`
}

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
    const { code, stdout, stderr } = await run(program, ['test', 'rules', pathOf(`${folder}/alerts.test.yaml`)])
    assert.equal(code, 0, stdout + stderr)
  })

  it('have a test that raises each alert', async () => {
    const text = await textOf(`${folder}/alerts.test.yaml`)
    const raised = new Set([...text.matchAll(/alertname(?:="|: )(\w+)/g)].map(match => match[1]))
    const alerts = (await rules()).flatMap(rule => (rule.alert === undefined ? [] : [rule.alert]))
    assert.deepEqual(alerts.toSorted(), [...raised].toSorted())
  })

  it('ask only for metrics, labels and values of labels that the gate has', async () => {
    const lines = (await metrics()).split('\n')
    for (const { alert = 'the record', expr } of await rules()) {
      const asked = [...expr.matchAll(/\b((?:sallyport|nodejs)_\w+|up)(?:\{([^}]*)\})?/g)]
      assert.ok(asked.length > 0, `${alert} asks for nothing`)
      for (const [, name = '', selector = ''] of asked) {
        const own = lines.filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        assert.ok(own.length > 0, `${alert} asks for ${name}`)
        for (const [, label = '', values = ''] of selector.matchAll(/(\w+)[=!~]+"([^"]*)"/g)) {
          // Prometheus gives each target its job and instance itself.
          if (label === 'job') continue
          for (const value of values.split('|')) {
            assert.ok(
              own.some(line => line.includes(`${label}="${value}"`)),
              `${alert}: ${name}, ${label} ${value}`,
            )
          }
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
