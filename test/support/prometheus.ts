// A real Prometheus, as Debian packages it, and what it says.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Owner, tempDirectory } from './owner.ts'
import { freePort } from './port.ts'
import { startProgram } from './process.ts'
import type { Sample } from './samples.ts'
import { unpacked } from './unpacked.ts'

/** A rule as it was evaluated last. */
interface EvaluatedRule {
  readonly name: string
  readonly health: 'ok' | 'err' | 'unknown'
  readonly lastError?: string
}

interface Vector {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>
    readonly value: readonly [at: number, value: string]
  }[]
}

/**
 * Starts one with these files, by their names; `prometheus.yaml` is its configuration. What it scrapes is in a folder that goes with
 * its owner, as it does.
 */
export async function startPrometheus(owner: Owner, files: Readonly<Record<string, string>>): Promise<Prometheus> {
  const folder = await tempDirectory(owner, 'prometheus')
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const address = `127.0.0.1:${await freePort()}`
  const url = `http://${address}`
  await startProgram(owner, {
    command: unpacked('prometheus', 'usr/bin/prometheus'),
    args: [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    ready: { check: () => isReady(url) },
  })
  return new Prometheus(url)
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok
  } catch {
    return false
  }
}

/** The HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/). */
export class Prometheus {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** What an expression comes to, now or `at` (seconds since 1970); the expression of a number has one sample without a name. */
  async query(expr: string, at?: number): Promise<Sample[]> {
    const time: Record<string, string> = at === undefined ? {} : { time: `${at}` }
    const { result } = await this.#ask<Vector>('query', { query: expr, ...time })
    return result.map(({ metric: { __name__: name = '', ...labels }, value: [, value] }) => ({
      name,
      labels,
      value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
    }))
  }

  /** The one value of an expression; NaN where it has none, or more. */
  async value(expr: string, at?: number): Promise<number> {
    const samples = await this.query(expr, at)
    return samples.length === 1 ? (samples[0]?.value ?? Number.NaN) : Number.NaN
  }

  async rules(): Promise<EvaluatedRule[]> {
    const { groups } = await this.#ask<{ readonly groups: readonly { readonly rules: EvaluatedRule[] }[] }>('rules', {})
    return groups.flatMap(({ rules }) => rules)
  }

  async #ask<Data>(path: string, parameters: Readonly<Record<string, string>>): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const { data, error } = (await response.json()) as { readonly data?: Data; readonly error?: string }
    if (data === undefined) throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`)
    return data
  }
}
