import { printable } from '../smtp/octets.ts'
import type { Decision } from './decision.ts'
import { table } from './table.ts'

/** What is shown of one value. */
const longest = 160

/**
 * A record for people: the outcome first, then what led to it. `now`: the configuration that is in force where it is read; null: it
 * is that of the record by its making.
 */
export function textOf(decision: Decision, now: string | null): string {
  const { id, client, port, time } = decision
  return [
    `${id}  client ${client}, port ${port}, ${time.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}`,
    headline(decision),
    ...table('', heard(decision, now)),
    ...table('checks', checkRows(decision)),
    ...table('facts', facts(decision)),
    ...table(
      'backend',
      Object.entries(decision.backend).map(([said, count]) => [said, times(count)]),
    ),
    ...table('session', course(decision)),
    '',
  ].join('\n')
}

/** What happened, and why, in one sentence. */
export function headline({
  verdict,
  action,
  check,
  why,
  vouched,
  messages,
  backend,
  ending,
  detail,
}: Decision): string {
  const { accepted, deferred, refused } = messages
  const cause = check === null ? '' : ` by ${check}: ${shown(why ?? '')}`
  if (verdict === 'passed' && action !== 'none')
    return `PASSED, but one recipient at least was not let in (${action})${cause}`
  if (verdict === 'passed') {
    const mail = [count(accepted, 'accepted'), count(deferred, 'deferred'), count(refused, 'refused')].filter(Boolean)
    const said = mail.length > 0 ? `its messages: ${mail.join(', ')}` : Object.keys(backend).at(-1)
    const known = vouched === null ? '' : ` (${shown(vouched)})`
    return `PASSED${known}: ${said === undefined ? 'no mail was sent' : mail.length > 0 ? said : `the backend said ${said}`}`
  }
  if (verdict === 'error' || action === 'none') return `${verdict.toUpperCase()}: ${shown(detail) || (ending ?? '')}`
  return `${verdict.toUpperCase()}${cause}`
}

const count = (number: number, what: string): string => (number === 0 ? '' : `${number} ${what}`)
const times = (number: number): string => (number === 1 ? 'once' : `${number} times`)

function heard({ reply, verdict, config }: Decision, now: string | null): string[][] {
  const rows: string[][] = []
  if (reply !== null) rows.push(['it heard', shown(reply)])
  else if (verdict === 'trapped') rows.push(['it heard', 'no refusal: it was gone before one was said'])
  const since = now === null ? '' : now === config ? ', still in force' : `, no more in force: that is ${now}`
  rows.push(['configuration', `${config}${since}`])
  return rows
}

/** What each check said, what followed, and what was known of it before; those that have nothing to say together. */
export function checkRows({
  passed,
  outcomes,
  actions,
  remembered,
  offended,
  disarmed,
  vouched,
}: Decision): string[][] {
  const rows: string[][] = []
  for (const [name, text] of Object.entries(outcomes)) {
    const [kind = '', ...why] = text.split(': ')
    const before = offended.includes(name) ? 'it failed before' : remembered.includes(name) ? 'it passed before' : ''
    const said = kind === 'fail' ? `fail → ${actions[name] ?? '?'}` : kind
    const unheeded = disarmed.includes(name) ? 'it was disarmed' : ''
    rows.push([name, said, [shown(why.join(': ')), before, unheeded].filter(Boolean).join('; ')])
  }
  const untested = [...remembered, ...offended].filter(name => outcomes[name] === undefined && !passed.includes(name))
  const known = untested.filter(name => remembered.includes(name))
  const suspect = untested.filter(name => !known.includes(name))
  if (passed.length > 0) rows.push([`passed: ${passed.join(', ')}`])
  if (known.length > 0) rows.push([`passed before: ${known.join(', ')}`])
  if (suspect.length > 0) rows.push([`failed before: ${suspect.join(', ')}`])
  if (vouched !== null) rows.push([`need not be tested: ${shown(vouched)}`])
  return rows
}

/** Facts by the words of their names, as their class has them. */
function facts(decision: Decision): string[][] {
  return Object.entries(decision.facts)
    .filter(([name]) => name !== 'client' && name !== 'recipient')
    .map(([name, value]) => [name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`), textOfValue(value)])
}

function textOfValue(value: unknown): string {
  if (value === '') return '(empty)'
  if (typeof value === 'string') return shown(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'object' || value === null) return String(value)
  const parts = Object.entries(value).filter(([, part]) => part !== null && part !== '')
  return shown(
    parts.map(([name, part]) => `${name} ${typeof part === 'object' ? JSON.stringify(part) : String(part)}`).join(', '),
  )
}

function course({ ms, from, to, recipients, ending, detail, backend_reply: said, score }: Decision): string[][] {
  const seconds = (wait: number) => `${(wait / 1000).toFixed(wait < 10_000 ? 2 : 0)} s`
  const rows: string[][] = []
  if (from !== null) rows.push(['from', `<${shown(from)}>`])
  if (to.length > 0)
    rows.push([
      'to',
      `${to.map(path => `<${shown(path)}>`).join(' ')}${recipients > to.length ? ` and ${recipients - to.length} more` : ''}`,
    ])
  if (said !== null) rows.push(['backend said', shown(said)])
  if (score > 0) rows.push(['score', String(score)])
  if (ms.greeted !== null) rows.push(['greeted after', seconds(ms.greeted)])
  if (ms.relay !== null) rows.push(['let through after', seconds(ms.relay)])
  if (ms.waited > 0) rows.push(['made to wait', `${seconds(ms.waited)} for replies`])
  if (ms.left_after !== null) rows.push(['left', `after ${seconds(ms.left_after)} of a wait`])
  rows.push(['ended after', `${seconds(ms.end)}: ${ending ?? 'unknown'}${detail === '' ? '' : `, ${shown(detail)}`}`])
  return rows
}

/** Records hold what clients sent, in part as it came. */
function shown(text: string): string {
  // What is escaped already keeps its backslashes.
  return printable(text, longest).replaceAll('\\\\', '\\')
}
