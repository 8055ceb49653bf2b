import { clientKey, type Repute, type ReverseName } from '@sallyport/rules'
import type { Config } from '../config/config.ts'
import { type Decision, decisionOf } from '../decisions/decision.ts'
import { checkRows, headline } from '../decisions/decision-text.ts'
import { table } from '../decisions/table.ts'
import { printable } from '../smtp/octets.ts'
import { playScript } from '../try/house.ts'
import type { Script } from '../try/script.ts'
import { dialogueText } from '../try/show.ts'
import type { Played } from '../try/stage.ts'
import { usualWorld } from '../try/world.ts'
import type { Knowledge, Visit } from './knowledge.ts'
import type { Remembered } from './remembered.ts'

/** What would happen now to a client of which so much is known, if it spoke as mail servers do. */
interface Prospect {
  readonly knowledge: Knowledge
  readonly played: Played
  readonly decision: Decision
}

/** Plays the visit; what greylisting would say is asked for once the session has said of whom. */
export async function prospectOf(
  config: Config,
  knowledge: Knowledge,
  visit: Visit,
  { memory, isShared }: Remembered,
): Promise<Prospect> {
  const first = playedBy(config, knowledge, visit, null)
  const { session } = first
  const isAsked = session.facts.recipient?.grey !== undefined && session.facts.recipient.grey !== null
  if (!isAsked) return prospect(knowledge, first)
  const reason = isShared ? 'say by --from and --to who writes to whom' : 'each gate remembers for itself (store.kind)'
  const left =
    !isShared || visit.from === null || visit.to === null
      ? null
      : await memory?.greylistLeft(session, clientKey(knowledge.client))
  if (left === undefined || left === null) {
    return prospect(
      { ...knowledge, unasked: [...knowledge.unasked, `greylist, taken for its first mail: ${reason}`] },
      first,
    )
  }
  return prospect(knowledge, playedBy(config, knowledge, visit, left))
}

const prospect = (knowledge: Knowledge, played: Played): Prospect => ({
  knowledge,
  played,
  decision: decisionOf(played.session, Date.now()),
})

function playedBy(config: Config, knowledge: Knowledge, visit: Visit, greylisted: number | null): Played {
  const { client, access, remembered, listed, name, identities } = knowledge
  const standing = access.allow.length > 0 ? 'allow' : access.deny.length > 0 ? 'deny' : 'none'
  const hello = visit.helo ?? (name.kind === 'confirmed' ? name.name : 'client.example.net')
  const domain = config.recipientDomains[0] ?? 'example.com'
  const envelope = [
    `EHLO ${hello}`,
    `MAIL FROM:<${visit.from ?? `sender@${hello}`}>`,
    `RCPT TO:<${visit.to ?? `somebody@${domain}`}>`,
  ]
  const scriptOf = (dialogue: readonly string[]): Script => ({
    client,
    access: standing,
    tls: 'off',
    world: {
      ...{ ...usualWorld, recalled: remembered, listed, named: name, identities, greylisted },
      rated: knowledge.rate?.over ?? null,
      helloName: knowledge.helloName ?? usualWorld.helloName,
      senderDomain: knowledge.senderDomain ?? usualWorld.senderDomain,
      spf: knowledge.spf ?? usualWorld.spf,
    },
    deeds: dialogue.map((text, i) => ({ line: i + 1, at: null, what: 'C:', text })),
  })
  const play = (...dialogue: readonly string[]) => playScript(config, scriptOf(dialogue), standing, 'reference-id')
  const asked = play(...envelope, 'QUIT')
  // Whose recipient is refused has no message to send.
  return isLetIn(asked) ? play(...envelope, 'DATA', 'Subject: a mail', '', '.', 'QUIT') : asked
}

/** Whether its recipient was accepted. */
function isLetIn({ spoken }: Played): boolean {
  const said = spoken.findIndex(({ who, text }) => who === 'client' && text.startsWith('RCPT'))
  const reply = said < 0 ? undefined : spoken.slice(said).find(({ who }) => who === 'gate')
  return reply?.text.startsWith('2') === true
}

/** Whether the store or a list has anything to say of the client. */
export const isKnown = ({ access, remembered, identities, lists }: Knowledge): boolean =>
  access.allow.length + access.deny.length + remembered.passed.length + remembered.failed.length > 0 ||
  remembered.client !== null ||
  remembered.network !== null ||
  identities.size > 0 ||
  lists.some(({ says }) => says === 'listed')

export function prospectText({ knowledge, played, decision }: Prospect): string {
  const { client, unasked, troubles } = knowledge
  return [
    client.text,
    ...table('', known(knowledge)),
    ...unasked.map(what => `  not asked: ${what}`),
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

function known(knowledge: Knowledge): string[][] {
  const { access, remembered, memory, lists, name, identities } = knowledge
  const { passed, failed } = remembered
  const rows = [
    ['your lists', places(access)],
    ['memory', `${passed.length + failed.length === 0 ? 'nothing' : recalled(passed, failed)} (${memory})`],
    ...reputeRows(remembered),
    ['name', nameText(name)],
    ...[...identities].map(([identity, repute]) => [identity.replace(/^\w+:/, 'known as '), reputeText(repute)]),
    ...claimRows(knowledge),
  ]
  for (const { list, says, weight } of lists) {
    rows.push(['DNS list', `${printable(list, 255)}: ${says}${says === 'listed' ? `, weight ${weight}` : ''}`])
  }
  return rows
}

function claimRows({ helloName, senderDomain, spf, rate }: Knowledge): string[][] {
  const rows: string[][] = []
  if (helloName !== null) rows.push(['HELO', helloName === 'failed' ? 'no answer' : `${helloName} in the DNS`])
  if (senderDomain !== null) rows.push(['sender', senderDomain === 'failed' ? 'no answer' : senderDomain])
  if (spf !== null) {
    const by = spf.mechanism === null ? '' : ` by ${spf.mechanism}`
    rows.push(['SPF', printable(`${spf.result} of ${spf.domain || 'no domain'}${by}`, 255)])
  }
  if (rate !== null) rows.push(['rate', rate.over === null ? 'within it' : `beyond ${rate.over}`])
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
  const { client, identities, ...rest } = knowledge
  const names = Object.fromEntries(identities)
  return `${JSON.stringify({ client: client.text, ...rest, identities: names, now: { decision, dialogue: played.spoken } }, null, 2)}\n`
}
