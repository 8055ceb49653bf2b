import { closeSync, openSync, readSync } from 'node:fs'
import { systemCodeOf } from '../error.ts'
import type { OwnChecks } from './check-keys.ts'
import type { Config } from './config.ts'
import { type Fault, largest, readDocument } from './document.ts'
import { type Environment, fillIn } from './fill-in.ts'
import type { Path } from './path.ts'
import { doubtsAbout, remarksOn } from './rules.ts'
import { configSchema, configurationWith, type SchemaNode } from './schema.ts'
import { faultsAt, faultsOf, remarked } from './wording.ts'
import type { Remark } from './written.ts'

/** A configuration and what may be a mistake in it, or everything that is wrong; one line each, in the order of the file. */
export type Parsed =
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly problems: readonly string[] }

/** The checks of the modules that a file names, and what is wrong with these, at their places in it. */
export interface Modules {
  readonly checks: OwnChecks
  readonly faults: readonly Remark[]
}

const noModules: Modules = { checks: [], faults: [] }

/** Enough to mend a file by; a file of something else altogether needs no list of its every line. */
const most = 100

/**
 * Reads the text of a configuration. Never throws for what is in it: `file:line:col path: what was found, what would do`.
 * `file` is the name to say; `env` is for `${NAME}`.
 */
export function parseConfig(text: string, file: string, env: Environment, modules: Modules = noModules): Parsed {
  const { checks: own } = modules
  const source = readDocument(text, found => fillIn(found, env))
  const written = source.value ?? {}
  // Made where something is wrong and has to be worded: it takes as long as all else here.
  let made: SchemaNode | null = null
  const schema = (): SchemaNode => (made ??= configSchema(own))
  const word = (remark: Remark): Fault => remarked(remark, source, schema())
  // Without words of its own, zod leaves the message empty unless a kind has said what is wrong.
  const result = configurationWith(own).safeParse(written, { error: () => '' })
  const faults = [
    ...source.faults,
    ...faultsAt(modules.faults, source),
    ...(result.success ? [] : faultsOf(result.error.issues, source, schema())).filter(
      fault => !isOfLostCheck(fault, modules),
    ),
    ...remarksOn(written).map(word),
  ]
  if (result.data === undefined || faults.length > 0) return { problems: lines(faults, file) }
  return {
    config: result.data,
    warnings: lines(doubtsAbout(result.data).map(word), file),
  }
}

/** Keys of an own check are unknown as long as its module is at fault; nobody knows then which of them are. */
function isOfLostCheck({ path, text }: Fault, { faults }: Modules): boolean {
  return faults.length > 0 && /(?:^|\.)checks\.x-[\w-]+$/.test(path) && text.startsWith('unknown key')
}

/** Reads a configuration file, of which a megabyte and no more. */
export function loadConfig(path: string, env: Environment = process.env, modules: Modules = noModules): Parsed {
  let text: string
  try {
    text = readStart(path)
  } catch (error) {
    return {
      problems: [
        `${path}:1:1 file: cannot be read (${systemCodeOf(error)}): name one that can, or give the right to read it`,
      ],
    }
  }
  return parseConfig(text, path, env, modules)
}

/** The modules that a file names, and where, before anything else of it is known; none where that cannot be read. */
export function modulesNamed(
  file: string,
  env: Environment = process.env,
): readonly { readonly module: string; readonly path: Path }[] {
  try {
    const { value } = readDocument(readStart(file), found => fillIn(found, env))
    const modules: unknown = typeof value === 'object' && value !== null && 'modules' in value ? value.modules : []
    if (!Array.isArray(modules)) return []
    return modules.flatMap((module: unknown, i) =>
      typeof module === 'string' && module !== '' ? [{ module, path: ['modules', i] }] : [],
    )
  } catch {
    return []
  }
}

/** The configuration of an empty file. */
export function defaultConfig(): Config {
  return configurationWith([]).parse({})
}

/** One octet more than may be, so that a file which is too large is seen to be. */
function readStart(path: string): string {
  const octets = Buffer.alloc(largest + 1)
  let length = 0
  const file = openSync(path, 'r')
  try {
    for (let read = -1; read !== 0 && length < octets.length; length += read) {
      read = readSync(file, octets, length, octets.length - length, null)
    }
  } finally {
    closeSync(file)
  }
  return octets.toString('utf8', 0, length)
}

function lines(faults: readonly Fault[], file: string): string[] {
  const sorted = faults.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
  const told = sorted.slice(0, most)
  const next = sorted[most]
  if (next !== undefined) told.push({ at: next.at, path: '', text: `and ${sorted.length - most} more from here on` })
  return told.map(({ at, path, text }) => `${file}:${at.line}:${at.column} ${path === '' ? 'yaml' : path}: ${text}`)
}
