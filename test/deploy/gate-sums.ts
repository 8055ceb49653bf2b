// What several gates come to together: in the tables of deploy/prometheus, and in the expressions of its dashboard.

import assert from 'node:assert/strict'
import { type Sample, samplesOf } from '../support/samples.ts'
import { asGrafana, readDashboard } from './dashboard.ts'
import { textOf } from './files.ts'

/** A sample's name and labels in one text, without whose it is; bounds of buckets as numbers, which newer versions write in another way. */
export function keyOf({ name, labels }: Sample): string {
  const own = Object.entries(labels).filter(([label]) => label !== 'job')
  const pairs = own.map(([label, value]) => `${label}="${label === 'le' ? Number(value) : value}"`)
  return `${name}{${pairs.toSorted().join()}}`
}

/** Sums of the same numbers in another order. */
export const isClose = (one: number, other: number): boolean =>
  one === other || Math.abs(one - other) <= 1e-9 * Math.max(Math.abs(one), Math.abs(other))

/** Asserts that the value for all gates is made of those of each, NaN left out. */
type Fold = (all: number, each: readonly number[], what: string) => void

const folds = {
  sum: (all, each, what) => {
    const sum = each.reduce((a, b) => a + b, 0)
    assert.ok(isClose(all, sum), `${what}: ${all} of ${each}`)
  },
  min: (all, each, what) => assert.equal(all, Math.min(...each), what),
  max: (all, each, what) => assert.equal(all, Math.max(...each), what),
  /** A ratio of sums, or a quantile. */
  between: (all, each, what) => {
    if (Number.isNaN(all)) return assert.deepEqual(each, [], what)
    const [low, high] = [Math.min(...each), Math.max(...each)]
    assert.ok((all >= low || isClose(all, low)) && (all <= high || isClose(all, high)), `${what}: ${all} of ${each}`)
  },
} satisfies Record<string, Fold>

/** `of`: the expression, for these instances alone (a regular expression). What is not put together has a label of its gate, and adds up to itself. */
export function foldOf(expr: string): { readonly of: (instances: string) => string; readonly fold: Fold } {
  const of = (instances: string): string =>
    expr.replaceAll(
      /\b((?:sallyport|nodejs|process)_\w+|up\b(?= *\{))(\{)?/g,
      (_, name: string, brace?: string) => `${name}{instance=~"${instances}"${brace === undefined ? '}' : ','}`,
    )
  const isRatio = /^sum\(.*\) \/ sum\(/.test(expr)
  const [outer = ''] = /^\w+/.exec(expr) ?? []
  if (isRatio || outer === 'histogram_quantile' || /\bor vector\(0\)$/.test(expr)) return { of, fold: folds.between }
  return { of, fold: outer === 'min' || outer === 'max' ? folds[outer] : folds.sum }
}

interface Gauge {
  readonly name: string
  readonly fold: string
  /** Its own, without those of a target. */
  readonly labels: readonly string[]
}

/** Every gauge of a gate that says this, as the table of deploy/prometheus has it; one that is not there, or twice, throws. */
export async function gaugesOf(metrics: string): Promise<readonly Gauge[]> {
  const rows = (await textOf('deploy/prometheus/README.md')).matchAll(/^\| `(\w+)` +\|([^|]*)\|/gm)
  const told = [...rows].flatMap(([, fold = '', cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => ({ fold, name: `sallyport_${name}` })),
  )
  const gauges = [...metrics.matchAll(/^# TYPE (sallyport_\w+) gauge$/gm)].map(([, name = '']) => name)
  assert.deepEqual(told.map(({ name }) => name).toSorted(), gauges.toSorted())
  const samples = samplesOf(metrics)
  return told.flatMap(({ name, fold }) => {
    const sample = samples.find(sample => sample.name === name)
    return sample === undefined ? [] : [{ name, fold, labels: Object.keys(sample.labels) }]
  })
}

/** The panels of the dashboard, with their expressions as Grafana asks them. */
export async function panelsOf(): Promise<readonly { readonly title: string; readonly exprs: readonly string[] }[]> {
  const { panels } = await readDashboard()
  return panels.map(({ title, targets }) => ({ title, exprs: targets.map(({ expr }) => asGrafana(expr)) }))
}
