// Where the number of a bound stands in the program: never in the table of bounds itself.

import { readFileSync } from 'node:fs'
import { configSchema, type SchemaNode } from '@sallyport/proxy/config/schema.js'

type Unit = 'octets' | 'ms' | 'count'

/** A key of the configuration, or a constant of a source file (`limits.line`: a member of one). */
export type Bound = { readonly key: string } | { readonly file: string; readonly name: string; readonly unit: Unit }

const packages = new URL('../../../packages/', import.meta.url)

/** The default of a key as it is written in the file. */
function presetOf(key: string): string {
  let node: SchemaNode | undefined = configSchema()
  for (const part of key.split('.')) node = keyOf(node, part)
  if (node?.default === undefined) throw new Error(`${key}: no such key, or no default`)
  return String(node.default)
}

function keyOf(node: SchemaNode | undefined, part: string): SchemaNode | undefined {
  return [node, ...(node?.anyOf ?? [])].map(branch => branch?.properties?.[part]).find(found => found !== undefined)
}

/** The value of a constant by its source: a number, or a product of some. */
export function constantOf(file: string, name: string): number {
  const text = readFileSync(new URL(file, packages), 'utf8')
  const [first = '', member] = name.split('.')
  const whole = new RegExp(`^(?:export )?const ${first}(?::[^=]+)? = ([^\\n]*(?:\\n  [^\\n]*)*)`, 'm').exec(text)?.[1]
  const value = member === undefined ? whole : new RegExp(`\\b${member}: ([\\d_]+)`).exec(whole ?? '')?.[1]
  if (value === undefined || !/^[\d_]+(?: \* [\d_]+)*$/.test(value))
    throw new Error(`${file}: no constant ${name}; test/limits/table.ts names it`)
  return value.split(' * ').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1)
}

export function boundText(bound: Bound): string {
  return 'key' in bound ? presetOf(bound.key) : shown(constantOf(bound.file, bound.name), bound.unit)
}

function shown(value: number, unit: Unit): string {
  switch (unit) {
    case 'octets':
      if (value % 1_048_576 === 0) return `${value / 1_048_576} MiB`
      return value % 1024 === 0 ? `${value / 1024} KiB` : `${value} octets`
    case 'ms':
      return value % 1000 === 0 ? `${value / 1000} s` : `${value} ms`
    case 'count':
      return String(value)
    default:
      return unit satisfies never
  }
}

export const key = (of: string): Bound => ({ key: of })
export const fixed = (file: string, constant: string, unit: Unit): Bound => ({ file, name: constant, unit })
export const proxy = (file: string, constant: string, unit: Unit): Bound => fixed(`proxy/src/${file}`, constant, unit)

/** The source of a number that is the project's own choice. */
export const own = 'ours'
