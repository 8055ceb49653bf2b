import { Plans } from '@sallyport/rules'
import type { Config } from '../config/config.ts'
import { configVersion } from '../decisions/config-version.ts'
import { errorText } from '../error.ts'
import { greetWaitOf, policyOf } from '../house.ts'
import type { Told } from '../told.ts'
import { accessOf } from '../try/house.ts'
import { type Source, sourceOf, standardInput } from './lines.ts'
import { Replay } from './replay.ts'
import { replayJson, replayText } from './report.ts'

/** Between two looks of the progress bar, ms. */
const every = 200

/** `sallyport replay`: records judged again. `path`: a file, with the full ones beside it; `-`: standard input. */
export async function replay(config: Config, path: string, asJson: boolean, examples: number): Promise<Told> {
  const lists = await accessOf(config)
  if (typeof lists === 'string') return { status: 2, text: '', troubles: [lists] }
  const terms = {
    plans: new Plans(policyOf(config)),
    access: lists.check.bind(lists),
    greetWait: greetWaitOf.bind(null, config),
  }
  const past = new Replay(terms, examples)
  try {
    const source = path === '-' ? standardInput : await sourceOf(path)
    await run(past, source)
  } catch (fault) {
    return { status: 2, text: '', troubles: [`replay: ${errorText(fault)}`] }
  }
  const text = (asJson ? replayJson : replayText)(past, configVersion(config))
  return { status: past.records > 0 ? 0 : 1, text, troubles: past.records > 0 ? [] : [`replay: no record in ${path}`] }
}

async function run(past: Replay, source: Source): Promise<void> {
  const started = performance.now()
  let shown = started
  for await (const { path, from, lines, octets } of source.read()) {
    for (let i = 0; i < lines.length; i++) past.add(lines[i] ?? '', () => `${path}:${from + i}`)
    const now = performance.now()
    if (!process.stderr.isTTY || now - shown < every) continue
    shown = now
    process.stderr.write(`\r${progress(octets, source.octets, past.records, now - started)}\x1b[K`)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

/** `all`: 0 where nobody knows how much there is. */
export function progress(octets: number, all: number, records: number, ms: number): string {
  const speed = `${records.toLocaleString('en')} records, ${Math.round(records / Math.max(1, ms)).toLocaleString('en')} a ms`
  if (all === 0) return speed
  const part = Math.min(1, octets / all)
  const width = 30
  const bar = '#'.repeat(Math.round(part * width)).padEnd(width, '.')
  const left = part === 0 ? '' : `, ${Math.ceil((ms / part - ms) / 1000)} s left`
  return `[${bar}] ${Math.floor(part * 100)} %, ${speed}${left}`
}
