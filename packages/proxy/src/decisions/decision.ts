import { factsToRecord, never, type Verdict } from '@sallyport/rules'
import { isLured } from '../session/decoy.ts'
import type { Session } from '../session/session.ts'
import { type SessionVerdict, verdictOf } from '../session-line.ts'
import { printable } from '../smtp/octets.ts'

/** The format of records; a reader of another one refuses them. */
export const version = 1

/**
 * What was known of one session, and what followed from it: enough to explain it, and to judge it again. Field names are those of
 * the file. What is null or empty is left out there.
 */
export interface Decision {
  readonly v: typeof version
  /** The reference id, which the client has heard. First behind `v`, so that a record is found by its text alone. */
  readonly id: string
  /** The end of the session, ISO 8601, UTC. */
  readonly time: string
  readonly client: string
  readonly port: number
  /** Which configuration judged; see config-version.ts. */
  readonly config: string
  readonly verdict: SessionVerdict
  /** The worst that the client, or one of its recipients, has heard of the gate. */
  readonly action: Verdict['action']
  readonly check: string | null
  readonly why: string | null
  readonly vouched: string | null
  readonly score: number
  /** Those that are not at their initial value. */
  readonly facts: Readonly<Record<string, unknown>>
  /** Names of checks. */
  readonly passed: readonly string[]
  /** `fail: why`, `vouch: why`, `unknown: why`, by the name of the check; what passed, or was not settled, is left out. */
  readonly outcomes: Readonly<Record<string, string>>
  /** What followed from those that failed: an action, and under `score` its points: `score 5`. */
  readonly actions: Readonly<Record<string, string>>
  /** Checks that the client was known to have passed, and failed, when it came. */
  readonly remembered: readonly string[]
  readonly offended: readonly string[]
  /** Checks that only observed, because they were not to be relied on at the time. */
  readonly disarmed: readonly string[]
  readonly from: string | null
  readonly to: readonly string[]
  readonly recipients: number
  /** The latest refusal of the gate's own, and of the backend. */
  readonly reply: string | null
  readonly backend_reply: string | null
  /** How often the backend said what: `rcpt 550 5.1.1` */
  readonly backend: Readonly<Record<string, number>>
  readonly messages: { readonly accepted: number; readonly deferred: number; readonly refused: number }
  readonly ending: string | null
  readonly detail: string
  /** Milliseconds from accept; of `waited`, how long replies were held back in all, and of `left_after`, in which it left: see the journal. */
  readonly ms: {
    readonly greeted: number | null
    readonly backend: number | null
    readonly relay: number | null
    readonly end: number
    readonly waited: number
    readonly left_after: number | null
  }
}

/** How much of an envelope is kept. */
const most = { to: 5, path: 254 } as const

/** `time`: the wall clock, in ms since 1970. */
export function decisionOf(session: Session, time: number): Decision {
  const { arrival, facts, journal, tally, plan, startedAt } = session
  const { action, cause } = journal.worst(tally.verdict)
  const names = (holds: (position: number) => boolean) => plan.checks.filter((_, i) => holds(i)).map(({ name }) => name)
  const after = (at: number) => (at === never ? null : at - startedAt)
  return {
    v: version,
    id: arrival.id,
    time: new Date(time).toISOString(),
    client: arrival.client.text,
    port: arrival.clientPort,
    config: session.house.version,
    verdict: verdictOf(session),
    action,
    check: cause?.check ?? null,
    why: cause === null ? null : printable(cause.why, 200),
    vouched: tally.vouched,
    score: tally.score,
    facts: factsToRecord(facts),
    passed: names(i => tally.outcomes[i]?.kind === 'pass'),
    outcomes: outcomesOf(session),
    actions: actionsOf(session),
    remembered: names(i => tally.isRemembered(i)),
    offended: names(i => tally.hasOffended(i)),
    disarmed: plan.checks.filter(planned => tally.isDisarmed(planned)).map(({ name }) => name),
    from: journal.reversePath === null ? null : printable(journal.reversePath, most.path),
    to: (journal.forwardPaths ?? []).slice(0, most.to).map(path => printable(path, most.path)),
    recipients: journal.recipients,
    reply: journal.gateReply,
    backend_reply: journal.backendReply === null ? null : printable(journal.backendReply, 200),
    backend: isLured(session) ? {} : Object.fromEntries(journal.heard ?? []),
    messages: { accepted: journal.accepted, deferred: journal.deferred, refused: journal.refused },
    ending: journal.ending,
    detail: printable(journal.detail, 200),
    ms: {
      greeted: after(journal.greetedAt),
      backend: after(journal.openedAt),
      relay: after(journal.relayedAt),
      end: journal.endedAt - startedAt,
      waited: journal.waited,
      left_after: journal.leftIn === null ? null : journal.leftAfter,
    },
  }
}

function outcomesOf({ plan, tally }: Session): Record<string, string> {
  const said: Record<string, string> = {}
  plan.checks.forEach(({ name }, i) => {
    const outcome = tally.outcomes[i]
    if (outcome !== undefined && 'why' in outcome) said[name] = `${outcome.kind}: ${printable(outcome.why, 200)}`
  })
  return said
}

function actionsOf({ plan, tally }: Session): Record<string, string> {
  const followed: Record<string, string> = {}
  plan.checks.forEach((planned, i) => {
    if (tally.outcomes[i]?.kind !== 'fail') return
    const action = tally.actionFor(planned, i)
    followed[planned.name] = action === 'score' ? `score ${planned.points}` : action
  })
  return followed
}
