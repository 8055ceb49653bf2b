import type { BackendReplies } from './backend-word.ts'
import type { Outcome } from './check.ts'
import { nothingDisbelieved, type TeachingWord } from './credence.ts'
import type { Facts } from './facts.ts'
import type { Plan, PlannedCheck } from './policy.ts'
import { isEstablished, type Repute } from './reputation.ts'
import type { Tally } from './tally.ts'

/** What one session leaves in the client's record: names of checks, each with the seconds for which it holds. */
export interface Lesson {
  readonly passed: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, number>>
  /** What is added to what is known of its mail. */
  readonly repute?: Repute
}

/**
 * What a session has earned its client. A session that was deferred, refused or dropped earns no pass (postscreen's rule),
 * only the offences; a check that merely observes teaches nothing against anybody. A pass that is still remembered is not
 * renewed, so that each check is run again at the end of its ttl. Under a voucher nothing was tested, so nothing is learnt.
 * null: nothing to write.
 */
export function lessonOf(plan: Plan, tally: Tally): Lesson | null {
  if (tally.vouched !== null) return null
  const passed: Record<string, number> = {}
  const failed: Record<string, number> = {}
  let empty = true
  plan.checks.forEach((planned, i) => {
    const outcome = tally.outcomes[i]
    if (outcome?.kind === 'fail' && teaches(planned, outcome) && tally.actionFor(planned, i) !== 'observe') {
      failed[planned.name] = planned.check.offenceTtl ?? plan.offenceTtl
      empty = false
    }
    if (outcome?.kind === 'pass' && tally.verdict.action === 'none' && planned.ttl > 0 && !tally.isRemembered(i)) {
      passed[planned.name] = Math.min(planned.ttl, outcome.ttl ?? planned.ttl)
      empty = false
    }
  })
  return empty ? null : { passed, failed }
}

/** Whether a failure is remembered: not one that the memory itself has told of. */
function teaches({ check }: PlannedCheck, outcome: Outcome): boolean {
  return outcome.kind === 'fail' && outcome.isOld !== true && (check.ttl > 0 || check.offenceTtl !== undefined)
}

/** What each verdict of the backend is worth, in points against the client. */
const worth = { content: 8, policy: 4, unknown: 1, good: -4 } as const

/**
 * What one session may be worth of each: nobody is made, or ruined, by a single connection. What a backend says that refuses everything costs a
 * stranger 16 points at most until that is found out (credence.ts): less than the default threshold within two days.
 */
const most = { content: 2, unknown: 10 } as const

/** Points up to which the words of one session bring a client whose good name is some days old: it can lose that, and is not suspect at once. */
const mostForEstablished = 4

/** Unknown recipients from which they speak of the client, if they are more than those that are known: lists have stale addresses. */
export const bulk = 3

/**
 * What a session adds to what is known of its client's mail; null: nothing. The checks that failed count with their points, but for those that
 * only observe and those that remember nothing (to judge by the memory must not feed it); nor do points that
 * would have no consequence by themselves: a small fault in every session is not a large one, and counts in each of them already. Of the backend's words only those
 * count that speak of the client: a full mailbox is no fault of its, nor is 4xx. Taken mail is to its credit only where no check that acts has
 * seen anything, those included that remember nothing. Of one on the
 * allow list, or logged in, nothing is learnt: the operator knows it. `disbelieved`: words of the backend that teach nothing now.
 */
export function reputeOf(
  facts: Facts,
  plan: Plan,
  tally: Tally,
  disbelieved: ReadonlySet<TeachingWord> = nothingDisbelieved,
): Repute | null {
  if (facts.access === 'allow' || facts.authenticated) return null
  const { backend } = facts
  const content = disbelieved.has('content') ? 0 : Math.min(backend?.dot.content ?? 0, most.content)
  const unknown = disbelieved.has('unknown user') ? 0 : Math.min(unknownOf(backend), most.unknown)
  const isUnwanted = !disbelieved.has('policy') && wasUnwanted(backend)
  const known = backend?.rcpt.accepted ?? 0
  let score = content * worth.content + (isUnwanted ? worth.policy : 0)
  if (unknown >= bulk && unknown > known) score += unknown * worth.unknown
  score = pointsOf(plan, tally) + Math.min(score, leftFor(facts))
  const accepted = backend?.dot.accepted ?? 0
  if (score === 0 && accepted > 0 && isSpotless(plan, tally)) score = worth.good
  return score === 0 && content + unknown + accepted === 0 ? null : { score, accepted, content, unknown }
}

/**
 * No check that is to do more than observe has failed, disarmed or not; that of the memory itself aside, or nobody could ever make up for anything. What
 * only observes has no consequence: else whoever has no reverse name could never be known for good, and nobody would notice when a check
 * that begins to act turns him away (breakers.ts).
 */
function isSpotless(plan: Plan, tally: Tally): boolean {
  return !plan.checks.some(
    (planned, i) =>
      tally.outcomes[i]?.kind === 'fail' && planned.name !== 'reputation' && tally.meantFor(planned, i) !== 'observe',
  )
}

/** The backend does not want this client. */
function wasUnwanted(backend: BackendReplies | null): boolean {
  return (backend?.rcpt.policy ?? backend?.dot.policy ?? backend?.mail.policy ?? 0) > 0
}

/** How many points the words of one session may add to what is known of the client. */
function leftFor({ standing, reputes }: Facts): number {
  if (standing === null || !isEstablished(standing)) return Number.POSITIVE_INFINITY
  return Math.max(0, mostForEstablished - (reputes?.client?.score ?? 0))
}

/** Recipients that the backends of a session did not know. */
export function unknownOf(backend: BackendReplies | null): number {
  return (backend?.rcpt['unknown user'] ?? 0) + (backend?.dot['unknown user'] ?? 0)
}

function pointsOf(plan: Plan, tally: Tally): number {
  let points = 0
  let scored = 0
  plan.checks.forEach((planned, i) => {
    const outcome = tally.outcomes[i]
    if (outcome?.kind !== 'fail' || !teaches(planned, outcome)) return
    const action = tally.actionFor(planned, i)
    if (action === 'score') scored += planned.points
    else if (action !== 'observe') points += planned.points
  })
  const counts = [plan.score.defer, plan.score.refuse].some(bound => bound > 0 && scored >= bound)
  return counts ? points + scored : points
}

/** Points from which a client's own name is bad enough. */
const suspectFrom = 5

/**
 * Whether what a session adds is told of the client's network, too: not of one that is suspect itself already, which has told it
 * once. So many neighbours are needed to condemn a network, and one that goes on and on condemns itself.
 */
export const speaksForNetwork = ({ reputes }: Facts): boolean => (reputes?.client?.score ?? 0) < suspectFrom
