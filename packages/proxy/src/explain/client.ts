import type { Repute, ReverseName } from '@sallyport/rules'
import type { Config } from '../config/config.ts'
import { type Decision, decisionOf } from '../decisions/decision.ts'
import { checkRows, headline } from '../decisions/decision-text.ts'
import { table } from '../decisions/table.ts'
import { printable } from '../smtp/octets.ts'
import { playScript } from '../try/house.ts'
import { type Script, usualWorld } from '../try/script.ts'
import { dialogueText } from '../try/show.ts'
import type { Played } from '../try/stage.ts'
import type { Knowledge } from './knowledge.ts'

/** What would happen now to a client of which so much is known, if it spoke as mail servers do. */
export interface Prospect {
  readonly knowledge: Knowledge
  readonly played: Played
  readonly decision: Decision
}

export function prospectOf(config: Config, knowledge: Knowledge): Prospect {
  const { client, access, remembered, listed, name } = knowledge
  const standing = access.allow.length > 0 ? 'allow' : access.deny.length > 0 ? 'deny' : 'none'
  const hello = name.kind === 'confirmed' ? name.name : 'client.example.net'
  const domain = config.recipientDomains[0] ?? 'example.com'
  const dialogue = [
    `EHLO ${hello}`,
    `MAIL FROM:<sender@${hello}>`,
    `RCPT TO:<somebody@${domain}>`,
    'DATA',
    'Subject: a mail',
    '',
    '.',
    'QUIT',
  ]
  const script: Script = {
    client,
    access: standing,
    tls: 'off',
    world: { ...usualWorld, recalled: remembered, listed, named: name },
    deeds: dialogue.map((text, i) => ({ line: i + 1, at: null, what: 'C:', text })),
  }
  const played = playScript(config, script, standing, 'reference-id')
  return { knowledge, played, decision: decisionOf(played.session, Date.now()) }
}

/** Whether the store or a list has anything to say of the client. */
export const isKnown = ({ access, remembered, lists }: Knowledge): boolean =>
  access.allow.length + access.deny.length + remembered.passed.length + remembered.failed.length > 0 ||
  remembered.client !== null ||
  lists.some(({ says }) => says === 'listed')

export function prospectText({ knowledge, played, decision }: Prospect): string {
  const { client, troubles } = knowledge
  return [
    client.text,
    ...table('', known(knowledge)),
    ...troubles.map(trouble => `  not known: ${printable(trouble, 300)}`),
    '',
    'If it came now, and spoke as mail servers do:',
    headline(decision),
    `  configuration  ${decision.config}`,
    '',
    ...dialogueText(played.spoken.filter(({ who }) => who === 'client' || who === 'gate')),
    ...table('checks', checkRows(decision)),
    '',
  ].join('\n')
}

function known({ access, remembered, memory, lists, name }: Knowledge): string[][] {
  const { passed, failed } = remembered
  const rows = [
    ['your lists', places(access)],
    ['memory', `${passed.length + failed.length === 0 ? 'nothing' : recalled(passed, failed)} (${memory})`],
    ...reputeRows(remembered),
    ['name', nameText(name)],
  ]
  for (const { list, says, weight } of lists) {
    rows.push(['DNS list', `${printable(list, 255)}: ${says}${says === 'listed' ? `, weight ${weight}` : ''}`])
  }
  return rows
}

function reputeRows({ client, network }: Knowledge['remembered']): string[][] {
  const rows: string[][] = []
  if (client !== null) rows.push(['its mail', reputeText(client)])
  if (network !== null) rows.push(['its network', reputeText(network)])
  return rows
}

/** Numbers fade, so they are hardly ever whole. */
function reputeText({ score, accepted, content, unknown }: Repute): string {
  const points = score === 0 ? 'no points' : `${Math.abs(score).toFixed(1)} points ${score > 0 ? 'against' : 'for'} it`
  const mail = `${Math.round(accepted)} messages accepted, ${Math.round(content)} refused for their content`
  return `${points}; ${mail}, ${Math.round(unknown)} recipients unknown`
}

function nameText(name: ReverseName): string {
  switch (name.kind) {
    case 'confirmed':
    case 'mismatch':
      return `${printable(name.name, 255)}, ${name.kind}`
    case 'none':
      return 'none'
    case 'failed':
      return 'no answer'
    default:
      return name satisfies never
  }
}

function places({ allow, deny }: Knowledge['access']): string {
  const said = [
    allow.length > 0 ? `allowed by ${allow.join(', ')}` : '',
    deny.length > 0 ? `denied by ${deny.join(', ')}` : '',
  ].filter(Boolean)
  return said.join('; ') || 'on none'
}

function recalled(passed: readonly string[], failed: readonly string[]): string {
  const said = [
    passed.length > 0 ? `passed ${passed.join(', ')}` : '',
    failed.length > 0 ? `failed ${failed.join(', ')}` : '',
  ]
  return said.filter(Boolean).join('; ')
}

export function prospectJson({ knowledge, played, decision }: Prospect): string {
  const { client, ...rest } = knowledge
  return `${JSON.stringify({ client: client.text, ...rest, now: { decision, dialogue: played.spoken } }, null, 2)}\n`
}
