import { never, type Outcome, precisionOf } from '@sallyport/rules'
import { isLured } from './session/decoy.ts'
import type { Journal } from './session/journal.ts'
import type { Session } from './session/session.ts'
import { printable } from './smtp/octets.ts'

export const verdicts = [
  'passed',
  'deferred',
  'refused',
  'decoyed',
  'trapped',
  'dropped',
  'shed',
  'abandoned',
  'health',
  'error',
] as const
/**
 * How a session is counted: `passed`: it reached the backend, which answered for itself; `deferred`, `refused`, `decoyed`, `trapped`,
 * `dropped`: a check's doing; `shed`: turned away for the load; `abandoned`: the client left, or ran out of time, before either;
 * `health`: a balancer's probe; `error`: the backend or the gate was in trouble.
 */
export type SessionVerdict = (typeof verdicts)[number]

export function verdictOf(session: Session): SessionVerdict {
  const { journal, tally, arrival } = session
  if (arrival.health) return 'health'
  if (journal.ending === 'error') return 'error'
  if (journal.ending === 'shed') return 'shed'
  switch (tally.verdict.action) {
    case 'defer':
      return isLured(session) ? 'decoyed' : 'deferred'
    case 'refuse':
    case 'decoy':
      return isLured(session) ? 'decoyed' : 'refused'
    case 'trap':
      return 'trapped'
    case 'drop':
      return 'dropped'
    case 'none':
      if (isLured(session)) return 'decoyed'
      if (journal.relayedAt !== never) return 'passed'
      return journal.openedAt === never ? 'abandoned' : withoutRcpt(journal)
    default:
      tally.verdict.action satisfies never
      return 'error'
  }
}

/** Of a session for which the backend was opened and never answered a RCPT. */
function withoutRcpt({ ending, detail, backendReply }: Journal): SessionVerdict {
  if (detail !== '' || ending === 'backend closed') return 'error'
  // It was reached, and said no to EHLO or MAIL: that is no trouble of its own.
  if (backendReply !== null) return 'passed'
  return ending === 'hangup' ? 'abandoned' : 'error'
}

/**
 * The one log line of a session. What the client sent is shown as printable text and cut; `client` and `event` stand before
 * it, so that a line can be matched by its beginning. Fields that say nothing are left out.
 */
export function sessionLine(session: Session): Readonly<Record<string, unknown>> {
  const { arrival, facts, journal, tally, startedAt } = session
  const cause = tally.verdict.cause
  return {
    event: 'session',
    id: arrival.id,
    client: arrival.client.text,
    port: arrival.clientPort,
    verdict: verdictOf(session),
    check: cause?.check,
    why: cause === null ? undefined : printable(cause.why, 200),
    ending: journal.ending,
    detail: journal.detail === '' ? undefined : printable(journal.detail, 300),
    vouched: shown(tally.vouched, 200),
    score: tally.score === 0 ? undefined : tally.score,
    tls: session.tls === null ? undefined : `${session.tls.version} ${session.tls.cipher}`,
    sni: shown(session.tls?.serverName ?? null, 255),
    plaintext_discarded: facts.plaintextDiscarded === 0 ? undefined : facts.plaintextDiscarded,
    helo: shown(facts.hello, 255),
    from: shown(journal.reversePath, 320),
    to: journal.forwardPaths?.map(path => printable(path, 320)),
    recipients: journal.recipients,
    early: facts.pregreetBytes === 0 ? undefined : facts.pregreetText,
    ahead: facts.aheadAfter === null ? undefined : facts.aheadText,
    nuls: facts.nuls === 0 ? undefined : facts.nuls,
    checks: outcomes(session),
    precision: precision(session),
    disarmed: disarmed(session),
    reply: shown(journal.gateReply, 200),
    backend_reply: shown(journal.backendReply, 200),
    queue_ids: journal.queueIds ?? undefined,
    messages: messages(session),
    ms: {
      greeted: after(journal.greetedAt, startedAt),
      backend: after(journal.openedAt, startedAt),
      relay: after(journal.relayedAt, startedAt),
      end: after(journal.endedAt, startedAt),
      waited: journal.waited === 0 ? undefined : journal.waited,
    },
    left_in: journal.leftIn ?? undefined,
    left_after: journal.leftIn === null ? undefined : journal.leftAfter,
    commands: facts.commands,
    bytes: { in: journal.octetsFromClient, message: journal.octetsToBackend, backend: journal.octetsFromBackend },
  }
}

const shown = (text: string | null, limit: number) => (text === null ? undefined : printable(text, limit))

const after = (at: number, start: number) => (at === never ? undefined : at - start)

function messages({ journal }: Session): Readonly<Record<string, number>> | undefined {
  const { accepted, deferred, refused, aborted } = journal
  return accepted + deferred + refused + aborted === 0 ? undefined : { accepted, deferred, refused, aborted }
}

/** The checks that failed and only observed that, although they were to act. */
function disarmed({ plan, tally }: Session): readonly string[] | undefined {
  const names = plan.checks.flatMap((planned, i) =>
    tally.isDisarmed(planned) && tally.outcomes[i]?.kind === 'fail' ? [planned.name] : [],
  )
  return names.length === 0 ? undefined : names
}

/** Of the checks that failed, whether the backend agreed; left out where it said nothing. */
function precision({ plan, tally, journal, facts }: Session): Readonly<Record<string, string>> | undefined {
  if (journal.aftermath === null) return undefined
  const extent = { recipients: journal.recipients, transactions: facts.transactions }
  const found = precisionOf(plan, tally, journal.aftermath, extent).filter(({ word }) => word !== 'unknown')
  return found.length === 0 ? undefined : Object.fromEntries(found.map(({ check, word }) => [check, word]))
}

/** What each check said: `pass`, `fail: why`, `known` (passed before), `unknown: why`. What was not yet settled is left out. */
function outcomes(session: Session): Readonly<Record<string, string>> {
  const said: Record<string, string> = {}
  session.plan.checks.forEach((planned, i) => {
    const text = outcomeText(session.tally.outcomes[i], session.tally.isRemembered(i))
    if (text !== null) said[planned.name] = text
  })
  return said
}

function outcomeText(outcome: Outcome | undefined, remembered: boolean): string | null {
  if (outcome === undefined || outcome.kind === 'todo') return remembered ? 'known' : null
  if (outcome.kind === 'pass') return 'pass'
  return `${outcome.kind}: ${printable(outcome.why, 200)}`
}

/** The sentence that goes with the line: what happened, and why. */
export function sentence(session: Session): string {
  const verdict = verdictOf(session)
  const { tally, journal } = session
  const cause = tally.verdict.cause
  if (cause !== null) return `${verdict}: ${cause.check}, ${printable(cause.why, 200)}`
  if (verdict === 'passed') return `passed: ${journal.accepted} accepted, ${journal.refused + journal.deferred} not`
  if (verdict === 'error') return `error: ${printable(journal.detail, 200) || journal.ending}`
  return `${verdict}: ${journal.ending ?? 'open'} in ${session.lastVerb}`
}
