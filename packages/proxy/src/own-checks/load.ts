import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { actions, type Check, type OwnName, questions } from '@sallyport/rules'
import { errorText } from '../error.ts'

/** What is wrong with a module. `position`: its place among those that were to be loaded. */
interface ModuleProblem {
  readonly position: number
  readonly text: string
}

/** What the modules export, and everything that is wrong with them. */
export interface Loaded {
  readonly checks: readonly Check<OwnName>[]
  readonly problems: readonly ModuleProblem[]
}

/**
 * Imports the checks of modules. A module that was changed since is imported anew, and the old one stays in memory: Node forgets none.
 * Every export that has a name and a test is taken for a check, and must be one.
 */
export async function loadOwnChecks(paths: readonly string[]): Promise<Loaded> {
  const checks: Check<OwnName>[] = []
  const problems: ModuleProblem[] = []
  for (const [position, module] of paths.entries()) {
    const problem = (text: string) => problems.push({ position, text: `${module}: ${text}` })
    try {
      const url = pathToFileURL(resolve(module))
      url.search = String(statSync(module).mtimeMs)
      const exported = Object.values((await import(url.href)) as Record<string, unknown>).filter(isCheckLike)
      if (exported.length === 0) problem('exports no check')
      for (const found of exported) {
        const faults = [...faultsOf(found), ...twice(found, checks)]
        for (const fault of faults) problem(`${String(found['name'])}: ${fault}`)
        if (faults.length === 0) checks.push(found as unknown as Check<OwnName>)
      }
    } catch (fault) {
      problem(errorText(fault).split('\n')[0] ?? '')
    }
  }
  return { checks, problems }
}

type Found = Readonly<Record<string, unknown>>

const isCheckLike = (value: unknown): value is Found =>
  typeof value === 'object' && value !== null && 'name' in value && 'test' in value

function twice({ name }: Found, before: readonly Check<OwnName>[]): string[] {
  return before.some(check => check.name === name) ? ['there is another check of this name'] : []
}

const isCount = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= 1000
const isAction = (value: unknown): boolean => actions.some(action => action === value)

/** What is wrong with a definition, in the words of check.ts; TypeScript would have said so. */
function faultsOf(check: Found): string[] {
  const { name, about, mistakes, settles, scope, asks, vouches, action, again, points, ttl, options, words, test } =
    check
  const faults: [isGood: boolean, fault: string][] = [
    [
      typeof name === 'string' && /^x-[a-z][a-z0-9-]{0,29}$/.test(name),
      'name: x- and letters, digits and hyphens, 32 at most',
    ],
    [isText(about), 'about: a sentence that says what a failing client did'],
    [isText(mistakes), 'mistakes: a sentence that says who may fail it and is no bot'],
    [['recall', 'greet', 'command', 'message'].includes(String(settles)), 'settles: recall, greet, command or message'],
    [scope === undefined || scope === 'recipient' || scope === 'transaction', 'scope: recipient, transaction or none'],
    [
      asks === undefined || questions.some(question => question === asks),
      `asks: one of ${questions.join(', ')} or none`,
    ],
    [vouches === undefined || vouches === 'for all', "vouches: 'for all' or none"],
    [isAction(action), `action: one of ${actions.join(', ')}`],
    [again === null || isAction(again), `again: one of ${actions.join(', ')}, or null`],
    [isCount(points, 0, 1000), 'points: a whole number from 0 to 1000'],
    [isCount(ttl, 0, 31_536_000), 'ttl: seconds, from 0 to a year'],
    [typeof test === 'function', 'test: a function'],
    [
      typeof words === 'function' || areWords(words),
      "words: { enhanced: '7.1', text: 'Access denied' }, or a function",
    ],
  ]
  const found = faults.filter(([isGood]) => !isGood).map(([, fault]) => fault)
  return [...found, ...optionFaults(options)]
}

function optionFaults(options: unknown): string[] {
  if (typeof options !== 'object' || options === null) return ['options: an object, empty if there are none']
  return Object.entries(options as Readonly<Record<string, Found | undefined>>).flatMap(([name, option]) => {
    const { value, min, max, about } = option ?? {}
    const areCounts = [value, min, max].every(Number.isSafeInteger) && isCount(value, Number(min), Number(max))
    if (['enabled', 'action', 'again', 'points', 'ttl', 'breaker'].includes(name))
      return [`options.${name}: every check has this key`]
    if (!/^[a-z][a-zA-Z0-9]{0,30}$/.test(name)) return [`options.${name}: a name of letters and digits, as mostFaults`]
    return areCounts && isText(about)
      ? []
      : [`options.${name}: { value, min, max, about }, whole numbers and a sentence`]
  })
}

/** What a client may be told: a line of ASCII, and the enhanced code without its class. */
export function areWords(words: unknown): boolean {
  if (typeof words !== 'object' || words === null) return false
  const { enhanced, text, dropCode } = words as Found
  const isCode = dropCode === undefined || dropCode === 421 || dropCode === 521
  return isCode && /^\d{1,3}\.\d{1,3}$/.test(String(enhanced)) && /^[\x20-\x7e]{1,200}$/.test(String(text))
}
