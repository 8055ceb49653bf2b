// What a gate's /metrics says, as a test can compare it.

import assert from 'node:assert/strict'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Every sample of a text in Prometheus' format 0.0.4; a line that is none throws. */
export function samplesOf(metrics: string): Sample[] {
  const lines = metrics.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return lines.map(line => {
    const [, name = '', labels = '', value = ''] = /^([a-z_0-9:]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? []
    assert.ok(name !== '' && value !== '', `no sample: ${line}`)
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text])
    return { name, labels: Object.fromEntries(pairs), value: Number(value) }
  })
}
