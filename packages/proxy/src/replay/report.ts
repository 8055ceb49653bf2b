import { table } from '../decisions/table.ts'
import { printable } from '../smtp/octets.ts'
import { type Example, fates, type Replay, type Transition, words } from './replay.ts'

/** In the order of how much it matters: who would newly be kept out first. */
function inOrder(replay: Replay): Transition[] {
  const weight = ({ was, becomes }: Transition) => fates.indexOf(becomes) * 10 - fates.indexOf(was)
  return [...replay.transitions.values()].sort((a, b) => weight(b) - weight(a))
}

/** `config`: the configuration that judged anew. */
export function replayText(replay: Replay, config: string): string {
  const { records, broken, brokenLines, health, unchanged, first, last } = replay
  const transitions = inOrder(replay)
  const days = first === '' ? '' : `, ${first.slice(0, 10)} to ${last.slice(0, 10)}`
  const lines = [
    `${number(records)} records${days}, judged again by configuration ${config}; they were judged by ${listed(replay.configs)}`,
  ]
  if (health > 0) lines.push(`${number(health)} health checks left out`)
  if (broken > 0) {
    lines.push(`${number(broken)} broken lines left out`, ...brokenLines.map(line => `  ${printable(line, 300)}`))
    if (broken > brokenLines.length) lines.push(`  and ${number(broken - brokenLines.length)} more`)
  }
  const rows = transitions.map(({ was, becomes, count, backend }) => [
    `${was} → ${becomes}`,
    number(count),
    ...words.map(word => number(backend[word])),
    isMistake(becomes) && backend.accepted > 0 ? '← mail that was accepted' : '',
  ])
  if (rows.length > 0) rows.push(['unchanged', number(unchanged)])
  lines.push(
    ...table('what would change, and what the backend had said', heading(['', 'sessions', ...words, ''], rows)),
  )
  if (rows.length === 0) lines.push('', 'nothing would change')
  lines.push(
    ...table('checks', heading(['', 'failed', 'fail now', 'decided', 'decide now', 'not known'], checkRows(replay))),
  )
  for (const transition of transitions) lines.push(...table(titleOf(transition), transition.examples.map(exampleRow)))
  return `${lines.join('\n')}\n`
}

/** Nobody should be kept out whose mail was wanted. */
const isMistake = (becomes: string): boolean => becomes !== 'passed' && becomes !== 'delayed'

const heading = (title: string[], rows: string[][]): string[][] => (rows.length === 0 ? [] : [title, ...rows])

function checkRows({ checks }: Replay): string[][] {
  return [...checks].map(([name, total]) => {
    const { failedBefore, failsNow, decidedBefore, decidesNow, unknownNow } = total
    return [name, ...[failedBefore, failsNow, decidedBefore, decidesNow, unknownNow].map(number)]
  })
}

function titleOf({ was, becomes, count, checks, examples }: Transition): string {
  const deciding = Object.entries(checks)
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${name} ${number(times)}`)
  const by = deciding.length > 0 ? ` (${deciding.join(', ')})` : ''
  const shown = examples.length < count ? `, the first ${examples.length} of ${number(count)}` : ''
  return `${was} → ${becomes}${by}${shown}`
}

function exampleRow({ id, client, backend, check, why, from }: Example): string[] {
  const said = backend === 'nothing' ? '' : `backend: ${backend}`
  const reason = check === null ? '' : `${check}: ${printable(why ?? '', 80)}`
  return [id, client, from === null ? '' : `<${printable(from, 60)}>`, said, reason]
}

function listed(configs: ReadonlySet<string>): string {
  const [first = 'none', ...others] = configs
  return others.length === 0 ? first : `${first} and ${others.length} others`
}

const number = (count: number): string => count.toLocaleString('en')

export function replayJson(replay: Replay, config: string): string {
  const { records, broken, brokenLines, health, unchanged, first, last, configs, checks } = replay
  const found = {
    config,
    judgedBy: [...configs],
    records,
    first,
    last,
    health,
    broken,
    brokenLines,
    unchanged,
    transitions: inOrder(replay),
    checks: Object.fromEntries(checks),
  }
  return `${JSON.stringify(found, null, 2)}\n`
}
