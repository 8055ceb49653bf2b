import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config/config.ts'
import type { Parsed } from './config/parse.ts'
import { complain, exit, print, wrongUsage } from './terminal.ts'
import type { Told } from './told.ts'

// What a command alone needs is imported by that command: a gate that starts need not load the doctor, nor `--version` a gate.

/** What a command was told by options. */
export interface Values {
  readonly config?: string
  readonly json?: boolean
  readonly recipient?: string
  readonly examples?: string
  readonly helo?: string
  readonly from?: string
  readonly to?: string
  readonly write?: string
}

interface Command {
  readonly takes: readonly (keyof Values)[]
  /** What else it is told, by name; one each. */
  readonly operands?: readonly string[]
  readonly run: (values: Values, operands: readonly string[]) => number | Promise<number>
}

export const commands: Readonly<Record<string, Command>> = {
  run: { takes: ['config'], run: runGate },
  check: { takes: ['config', 'json'], run: check },
  doctor: { takes: ['config', 'json', 'recipient'], run: doctor },
  explain: {
    takes: ['config', 'json', 'helo', 'from', 'to'],
    operands: ['REF or ADDRESS'],
    run: explainSubject,
  },
  replay: { takes: ['config', 'json', 'examples'], operands: ['FILE'], run: replayFile },
  try: {
    takes: ['config', 'json'],
    operands: ['SCRIPT'],
    run: playScript,
  },
  config: { takes: ['config'], run: showConfig },
  schema: { takes: [], run: showSchema },
  // For those who work on sallyport: the files that are made from the keys.
  reference: { takes: ['write'], run: writeReference },
}

/** The configuration that counts, and its name; null: there is none, and the defaults hold. */
function findConfig(named: string | undefined): string | null {
  if (named !== undefined) return named
  return ['./sallyport.yaml', '/etc/sallyport/sallyport.yaml'].find(path => existsSync(path)) ?? null
}

/** Reads it, and says on standard error which one that was. */
async function openConfig(values: Values): Promise<{ readonly name: string; readonly parsed: Parsed }> {
  const { configured } = await import('./own-checks/configured.ts')
  const { parseConfig } = await import('./config/parse.ts')
  const path = findConfig(values.config)
  const name = path ?? 'defaults'
  const parsed = path === null ? parseConfig('', name, process.env) : await configured(path)
  complain(path === null ? 'no configuration file, the defaults hold' : `configuration ${path}`)
  return { name, parsed }
}

/** The files that the configuration names are looked at once it is good by itself: until then nobody knows which they are. */
async function check(values: Values): Promise<number> {
  const { lookAtFiles } = await import('./named-files.ts')
  const { name, parsed } = await openConfig(values)
  const files = 'problems' in parsed ? { problems: parsed.problems, warnings: [] } : await lookAtFiles(parsed.config)
  const { problems } = files
  const warnings = [...('problems' in parsed ? [] : parsed.warnings), ...files.warnings]
  if (values.json === true) {
    print(`${JSON.stringify({ file: name, ok: problems.length === 0, problems, warnings }, null, 2)}\n`)
  } else {
    for (const problem of problems) print(`${problem}\n`)
    for (const warning of warnings) print(`warning: ${warning}\n`)
    if (problems.length === 0) print('the configuration is good\n')
  }
  return problems.length === 0 ? exit.ok : exit.config
}

async function runGate(values: Values): Promise<number> {
  const { run } = await import('./run.ts')
  const { parsed } = await openConfig(values)
  if ('problems' in parsed) {
    for (const problem of parsed.problems) complain(problem)
    return exit.config
  }
  for (const warning of parsed.warnings) complain(`warning: ${warning}`)
  return run(version(), parsed.config, findConfig(values.config))
}

async function doctor(values: Values): Promise<number> {
  const recipient = values.recipient ?? null
  // It goes into a command as it is.
  if (recipient !== null && !/^[\x21-\x3b\x3d\x3f-\x7e]{1,255}@[\x21-\x3b\x3d\x3f-\x7e]{1,255}$/.test(recipient)) {
    return wrongUsage('doctor: --recipient is no address')
  }
  const { name, parsed } = await openConfig(values)
  if ('problems' in parsed) {
    for (const problem of parsed.problems) complain(problem)
    return exit.config
  }
  const { diagnose } = await import('./doctor/doctor.ts')
  const { asJson, asText, isWell } = await import('./doctor/report.ts')
  const findings = await diagnose(parsed.config, recipient)
  print(values.json === true ? asJson(name, findings) : asText(findings))
  return isWell(findings) ? exit.ok : exit.unwell
}

async function explainSubject(values: Values, [subject = '']: readonly string[]): Promise<number> {
  const { helo = null, from = null, to = null } = values
  // They go into commands as they are.
  const strange = Object.entries({ helo, from, to }).find(
    ([, said]) => said !== null && !/^[^\s\0-\x1f\x7f<>]{0,255}$/.test(said),
  )
  if (strange !== undefined) return wrongUsage(`explain: --${strange[0]} is no word that a client could say`)
  const { explain } = await import('./explain/explain.ts')
  return tell(values, config => explain(config, subject, { helo, from, to }, values.json === true))
}

async function replayFile(values: Values, [path = '']: readonly string[]): Promise<number> {
  const { examples = '5' } = values
  if (!/^\d{1,6}$/.test(examples)) return wrongUsage('replay: --examples is no number')
  const { replay } = await import('./replay/command.ts')
  return tell(values, config => replay(config, path, values.json === true, Number(examples)))
}

async function playScript(values: Values, [path = '']: readonly string[]): Promise<number> {
  const { tryScript } = await import('./try/try.ts')
  return tell(values, config => tryScript(config, path, values.json === true))
}

/** Does something with a configuration that is good, and says what came of it. */
async function tell(values: Values, about: (config: Config) => Promise<Told>): Promise<number> {
  const { parsed } = await openConfig(values)
  if ('problems' in parsed) {
    for (const problem of parsed.problems) complain(problem)
    return exit.config
  }
  const { status, text, troubles } = await about(parsed.config)
  print(text)
  for (const trouble of troubles) complain(trouble)
  return status
}

async function showConfig(values: Values): Promise<number> {
  const { renderConfig } = await import('./config/render.ts')
  const { parsed } = await openConfig(values)
  if ('config' in parsed) return print(renderConfig(parsed.config))
  for (const problem of parsed.problems) complain(problem)
  return exit.config
}

async function showSchema(): Promise<number> {
  const { renderSchema } = await import('./config/reference.ts')
  return print(renderSchema())
}

async function writeReference(values: Values): Promise<number> {
  if (values.write === undefined) return wrongUsage('reference: --write DIR is missing')
  const { renderCheckPages } = await import('./config/check-pages.ts')
  const { renderExample } = await import('./config/example.ts')
  const { renderReference, renderSchema } = await import('./config/reference.ts')
  const files = {
    'docs/checks.md': renderCheckPages(),
    'docs/configuration.md': renderReference(),
    'deploy/sallyport.example.yaml': renderExample(),
    'deploy/sallyport.schema.json': renderSchema(),
  }
  for (const [name, text] of Object.entries(files)) {
    const path = join(values.write, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return exit.ok
}

export function version(): string {
  const found: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : 'unknown'
}
