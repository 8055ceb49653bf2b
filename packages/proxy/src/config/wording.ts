import type { core } from 'zod'
import type { Fault, Location, Position, Source } from './document.ts'
import { type Path, pathText } from './path.ts'
import type { SchemaNode } from './schema.ts'
import { nearest } from './suggest.ts'
import type { Remark } from './written.ts'

/**
 * What would do at this place, in words: `a duration from 0s to 2m, such as 6s`. Made of the JSON Schema, so that errors and
 * reference say the same. zod's own words name its types and never the YAML that would be right.
 */
export function wanted(node: SchemaNode): string {
  if (node.title !== undefined) {
    const examples = (node.examples ?? []).slice(0, 2).map(String)
    // `any` is a word of the file itself; E and I are the letters of EHLO and IP.
    const article = /^any\b/.test(node.title) ? '' : /^[aeiouEI]/.test(node.title) ? 'an ' : 'a '
    return `${article}${node.title}${examples.length === 0 ? '' : `, such as ${examples.join(' or ')}`}`
  }
  if (node.enum !== undefined) return `one of ${node.enum.join(', ')}`
  switch (node.type) {
    case 'integer':
      return `a whole number from ${node.minimum ?? 0} to ${node.maximum ?? Number.MAX_SAFE_INTEGER}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'object':
      return `keys under it: ${Object.keys(node.properties ?? {}).join(', ')}`
    default:
      throw new Error(`a key without a kind: ${JSON.stringify(node).slice(0, 200)}`)
  }
}

/** The schema of the value at `path`; null: there is no such key. */
export function nodeAt(schema: SchemaNode, path: Path): SchemaNode | null {
  const [step, ...rest] = path
  if (step === undefined) return schema
  for (const branch of [schema, ...(schema.anyOf ?? [])]) {
    const next = typeof step === 'number' ? branch.items : branch.properties?.[step]
    if (next !== undefined) return nodeAt(next, rest)
  }
  return null
}

/** What zod found wrong, as faults of the file. */
export function faultsOf(issues: readonly core.$ZodIssue[], source: Source, schema: SchemaNode): Fault[] {
  const told = new Set(source.faults.map(fault => fault.path))
  return issues
    .flatMap(issue => flattened(issue, []))
    .flatMap(issue =>
      issue.code === 'unrecognized_keys' ? unknownKeys(issue, source, schema) : [faultOf(issue, source, schema)],
    )
    .filter(fault => !told.has(fault.path))
}

/** Where one of several forms was meant, for its inner faults; otherwise the whole. */
function flattened(issue: core.$ZodIssue, before: Path): core.$ZodIssue[] {
  const path = [...before, ...issue.path] as (string | number)[]
  if (issue.code !== 'invalid_union') return [{ ...issue, path }]
  const meant = issue.errors.find(branch =>
    branch.every(inner => inner.path.length > 0 || inner.code !== 'invalid_type'),
  )
  return meant === undefined ? [{ ...issue, path }] : meant.flatMap(inner => flattened(inner, path))
}

function unknownKeys(issue: core.$ZodIssueUnrecognizedKeys, source: Source, schema: SchemaNode): Fault[] {
  const section = issue.path as Path
  const node = nodeAt(schema, section)
  const known = [node, ...(node?.anyOf ?? [])].flatMap(branch => Object.keys(branch?.properties ?? {}))
  return issue.keys.map(key => {
    const path = [...section, key]
    const guess = nearest(key, known)
    const text = guess === null ? `use one of ${known.join(', ')}` : `did you mean ${guess}?`
    return { at: source.keys.get(pathText(path)) ?? start, path: pathText(path), text: `unknown key: ${text}` }
  })
}

function faultOf(issue: core.$ZodIssue, source: Source, schema: SchemaNode): Fault {
  const path = issue.path as Path
  const node = nodeAt(schema, path)
  if (node === null) throw new Error(`no key in the schema: ${pathText(path)}`)
  const location = source.locations.get(pathText(path))
  if (location === undefined)
    return { at: nearestLocation(path, source).at, path: pathText(path), text: `missing: write ${wanted(node)}` }
  const at = location.at
  const found = foundAt(location, node)
  const text = `found ${found}${reason(issue, node, location.isFilledIn, found)}`
  return { at, path: pathText(path), text }
}

/** What is wrong with what was found, and what would do. */
function reason(issue: core.$ZodIssue, node: SchemaNode, isFilledIn: boolean, found: string): string {
  const bare = /^"?([0-9]+)"?$/.exec(found)?.[1]
  if (node.title?.startsWith('duration') === true && bare !== undefined) return `, which has no unit: write ${bare}s`
  if (found === 'nothing') return `: write ${wanted(node)}, or take it out`
  if (node.type === 'array' && issue.code === 'too_small') return ' with nothing in it: write one at least'
  if (node.type === 'array' && !isFilledIn && /^["0-9]/.test(found)) return `: use a list: [${found}]`
  // The problem may cite the value, which is no business of a log where it came from the environment.
  const why = issue.code === 'custom' && !isFilledIn ? ` (${issue.message})` : ''
  return `${why}: use ${wanted(node)}`
}

/** A remark of the rules, as a fault of the file. */
export function remarked(remark: Remark, source: Source, schema: SchemaNode): Fault {
  const path = pathText(remark.path)
  const location = nearestLocation(remark.path, source)
  return { at: location.at, path, text: `found ${foundAt(location, nodeAt(schema, remark.path))}${remark.text}` }
}

/** Faults that say in words of their own what was found. */
export function faultsAt(remarks: readonly Remark[], source: Source): Fault[] {
  return remarks.map(({ path, text }) => ({ at: nearestLocation(path, source).at, path: pathText(path), text }))
}

/** Secrets may stand in the file itself; an error is no place for them either. */
function foundAt(location: Location, node: SchemaNode | null): string {
  return node?.writeOnly === true && location.found !== 'nothing' ? 'a value' : location.found
}

const start: Position = { line: 1, column: 1 }

function nearestLocation(path: Path, source: Source): Location {
  for (let length = path.length; length > 0; length--) {
    const location = source.locations.get(pathText(path.slice(0, length)))
    if (location !== undefined) return location
  }
  return source.locations.get('') ?? { at: start, found: 'nothing', isFilledIn: false }
}
