import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { errorText } from '../error.ts'
import type { Told } from '../told.ts'
import { accessOf, playScript } from './house.ts'
import { longestScript, parseScript } from './script.ts'
import { playedJson, playedText } from './show.ts'

/** `sallyport try`: a script played against the configuration, in virtual time. `-`: it is on standard input. */
export async function tryScript(config: Config, path: string, asJson: boolean): Promise<Told> {
  let text: string
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (fault) {
    return { status: 2, text: '', troubles: [`try: ${errorText(fault)}`] }
  }
  if (text.length > longestScript) return { status: 2, text: '', troubles: ['try: the script is longer than 1 MiB'] }
  const parsed = parseScript(text)
  if ('problems' in parsed)
    return { status: 2, text: '', troubles: parsed.problems.map(problem => `${path}:${problem}`) }
  const lists = await accessOf(config)
  if (typeof lists === 'string') return { status: 2, text: '', troubles: [lists] }
  const { script } = parsed
  const played = playScript(config, script, lists.check(script.client), 'reference-id')
  return { status: 0, text: (asJson ? playedJson : playedText)(played, Date.now()), troubles: [] }
}
