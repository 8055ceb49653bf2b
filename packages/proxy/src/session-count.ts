import { never, type PlannedCheck } from '@sallyport/rules'
import type { Metrics } from './metrics.ts'
import type { Session } from './session/session.ts'
import { wasKnown } from './session/standing.ts'
import type { SessionVerdict } from './session-line.ts'

/** Adds one concluded session to the metrics. Health checks are not counted here: they are nobody's mail. */
export function countSession(metrics: Metrics, session: Session, verdict: SessionVerdict): void {
  const { journal, tally, startedAt, plan } = session
  metrics.sessionSeconds.observe(verdict, (journal.endedAt - startedAt) / 1000)
  if (verdict === 'passed' && journal.greetedAt !== never) {
    metrics.addedDelay.observe(acquaintance(session), (journal.greetedAt - startedAt) / 1000)
  }
  if (journal.leftIn !== null) metrics.patience.observe(classOf(session), journal.leftAfter / 1000)
  for (let i = 0; i < plan.checks.length; i++) {
    const planned = plan.checks[i] as PlannedCheck
    const outcome = tally.outcomes[i]?.kind ?? 'todo'
    if (outcome === 'todo') continue
    metrics.checks.of(planned.name, outcome, tally.actionFor(planned, i)).value++
  }
  if (journal.gateReply !== null) metrics.replies.inc({ code: journal.gateReply.slice(0, 3) })
  for (const result of ['accepted', 'deferred', 'refused', 'aborted'] as const) {
    metrics.messages.of(result).value += journal[result]
  }
  metrics.relayed.of('to_backend').value += journal.octetsToBackend
  metrics.relayed.of('to_client').value += journal.octetsFromBackend
}

/** How well a client that passed was known when it came. */
function acquaintance(session: Session): 'new' | 'known' | 'allowed' {
  if (session.tally.vouched !== null) return 'allowed'
  return wasKnown(session) ? 'known' : 'new'
}

/** What was known of a client that left in a wait of ours. */
function classOf(session: Session): 'new' | 'known' | 'suspect' {
  const { tally } = session
  if (tally.score > 0 || tally.verdict.action !== 'none') return 'suspect'
  return wasKnown(session) ? 'known' : 'new'
}
