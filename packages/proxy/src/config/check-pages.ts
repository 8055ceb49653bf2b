import { type Check, checks, makePlan, presets } from '@sallyport/rules'
import { keysUnder, row, table } from './reference.ts'
import { configSchema } from './schema.ts'

/** The page on checks as Markdown: of each what it sees, who may fail it by mistake, where it comes from, and what follows when. */
export function renderCheckPages(): string {
  return [introduction, ...checks.map(renderCheck)].join('\n')
}

const introduction = `# Checks

<!-- Made by \`npm run reference\` from packages/rules/src/checks/. Changes belong there. -->

Every check says what it saw, and the configuration what follows: see [the keys of all checks](configuration.md#checks), \`preset\` and \`exceptions\` there.
In the table of a check each preset has what follows the first offence, and behind the arrow what follows a further one that is remembered.
`

const stages = {
  recall: 'before the first octet is sent',
  greet: 'by the end of the greeting',
  command: 'before the first recipient is accepted',
  message: 'while its message is read',
} as const

const scopes = {
  session: '',
  transaction: ' It holds for the transaction alone.',
  recipient: ' It holds for the one recipient alone.',
} as const

function renderCheck(check: Check): string {
  const node = configSchema().properties?.['checks']?.properties?.[check.name] ?? {}
  const options = keysUnder(node).filter(([key]) => key in check.options)
  const hears = typeof check.words === 'function' ? null : check.words
  const heard = hears === null ? 'words that name what was found' : `\`550 5.${hears.enhanced} ${hears.text}\``
  return [
    `## ${check.name}\n`,
    `${check.about} Decided ${stages[check.settles]}.${scopes[check.scope ?? 'session']}\n`,
    `**By mistake:** ${check.mistakes}\n`,
    `**From:** ${check.source ?? 'nowhere'}.\n`,
    `**The client hears**, where it is refused: ${heard}.\n`,
    renderPresets(check),
    ...(options.length === 0 ? [] : [table(options.map(([key, leaf]) => row(['checks', check.name, key], leaf)))]),
  ].join('\n')
}

function renderPresets({ name }: Check): string {
  const cells = presets.map(preset => {
    const planned = makePlan({ preset }).checks.find(candidate => candidate.name === name)
    if (planned === undefined) return 'off'
    const { action, again, points } = planned
    const shown = (what: string) => (what === 'score' ? `score ${points}` : what)
    return again === action ? shown(action) : `${shown(action)} → ${shown(again)}`
  })
  return `| ${presets.join(' | ')} |\n|${' --- |'.repeat(presets.length)}\n| ${cells.join(' | ')} |\n`
}
