import assert from 'node:assert/strict'
import type { DnsblAnswer } from '@sallyport/proxy/lookups/dnsbl.js'
import { Metrics } from '@sallyport/proxy/metrics.js'
import type { StoreHealth } from '@sallyport/proxy/store/index.js'
import { Ledger } from '@sallyport/rules'

/** What Prometheus itself knows of a target, and the text that the gate gives it, with every label set that is known beforehand. */
export async function metricLines(store: Partial<StoreHealth> = {}): Promise<readonly string[]> {
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
      blocksTold: 0,
      blocksHeard: 0,
      blocksDropped: 0,
      ...store,
    }),
    askedAgain: () => 0,
  })
  const answers: DnsblAnswer[] = ['listed', 'not_listed', 'error', 'failed']
  for (const result of answers) gate.dnsblLookups.inc({ zone: 'bl.example', result })
  return `up 1\n${await gate.text()}`.split('\n')
}

/** Labels that Prometheus gives each target itself. */
const ofTarget = ['job', 'instance']

/** Asserts that an expression asks for something, and only for metrics, labels and values of labels that the gate has. */
export function asksForWhatIs(expr: string, lines: readonly string[], who: string): void {
  const asked = [...expr.matchAll(/\b((?:sallyport|nodejs|process)_\w+|up)(?:\{([^}]*)\})?/g)]
  assert.ok(asked.length > 0, `${who} asks for nothing`)
  for (const [, name = '', selector = ''] of asked) {
    const own = lines.filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    assert.ok(own.length > 0, `${who} asks for ${name}`)
    for (const [, label = '', values = ''] of selector.matchAll(/(\w+)[=!~]+"([^"]*)"/g)) {
      if (ofTarget.includes(label)) continue
      for (const value of values.split('|')) {
        assert.ok(
          own.some(line => line.includes(`${label}="${value}"`)),
          `${who}: ${name}, ${label} ${value}`,
        )
      }
    }
  }
}
