import { type Action, type Check, fail, type Outcome, type Question, type Stage, todo, type Words } from './check.ts'
import type { CheckName } from './checks/index.ts'
import type { Facts } from './facts.ts'
import type { Plan, PlannedCheck } from './policy.ts'

/** What is to be done about the client, and the one check that is the reason: the worst, or the heaviest of the score. */
export interface Verdict {
  readonly action: 'none' | 'defer' | 'refuse' | 'decoy' | 'trap' | 'drop'
  readonly cause: Cause | null
}

export interface Cause {
  readonly check: CheckName
  readonly why: string
  readonly words: Words
}

const none: Verdict = { action: 'none', cause: null }

const severity = { none: 0, observe: 0, score: 0, defer: 1, refuse: 2, decoy: 3, trap: 4, drop: 5 } as const

/** Whether one does more to the client than the other. */
export const isWorse = (one: Verdict, other: Verdict): boolean => severity[one.action] > severity[other.action]

/** The client is not to be spoken with as with others any more. */
export const endsDialogue = ({ action }: Verdict): boolean => action === 'trap' || action === 'drop'

/** What failed checks add up to. */
class Sum {
  worst = 0
  verdict: Verdict = none
  score = 0
  heaviest: PlannedCheck | null = null
  heaviestWhy = ''

  add(planned: PlannedCheck, action: Action, why: string, facts: Facts): void {
    if (action === 'score') {
      this.score += planned.points
      if (this.heaviest !== null && planned.points <= this.heaviest.points) return
      this.heaviest = planned
      this.heaviestWhy = why
    } else if (severity[action] > this.worst) {
      this.worst = severity[action]
      this.verdict = verdictOf(action, planned, why, facts)
    }
  }

  conclude(plan: Plan, facts: Facts): Verdict {
    if (this.heaviest === null) return this.verdict
    const action = actionOfScore(this.score, plan)
    if (severity[action] <= this.worst) return this.verdict
    return verdictOf(action, this.heaviest, `${this.heaviestWhy} (score ${this.score})`, facts)
  }
}

/** Nothing is known of most that are held: one for all of them. */
const unmarked: readonly boolean[] = []
/** Every check acts. */
const nobody: ReadonlySet<string> = new Set()

const marked = (plan: Plan, names: readonly string[]): readonly boolean[] =>
  names.length === 0 ? unmarked : plan.checks.map(({ name }) => names.includes(name))

/** What the checks have said of one session so far. Outcomes only grow: what has failed stays failed. */
export class Tally {
  /** One for each check of the plan, in its order. */
  readonly outcomes: Outcome[]
  verdict: Verdict = none
  score = 0
  /** Why no other check is needed; null: nobody vouched. */
  vouched: string | null = null
  /** Checks that this client has passed before, by position in the plan. */
  private remembered: readonly boolean[] = unmarked
  /** Checks that it failed before. */
  private offended: readonly boolean[] = unmarked
  /** Checks that only observe, whatever they are to do (see breakers.ts). */
  private readonly disarmed: ReadonlySet<string>

  /** `disarmed`: names of checks that only observe this session. */
  constructor(plan: Plan, disarmed: ReadonlySet<string> = nobody) {
    this.disarmed = disarmed
    this.outcomes = new Array<Outcome>(plan.checks.length).fill(todo)
  }

  /** What the store knows of the client: names of checks whose pass, or whose failure, still holds. */
  recall(plan: Plan, passed: readonly string[], failed: readonly string[]): void {
    this.remembered = marked(plan, passed)
    this.offended = marked(plan, failed)
  }

  /** What it has failed elsewhere meanwhile. */
  offend(plan: Plan, failed: readonly string[]): void {
    if (failed.length > 0)
      this.offended = plan.checks.map(({ name }, i) => this.hasOffended(i) || failed.includes(name))
  }

  isVouchedBy(name: CheckName): boolean {
    return this.vouched?.startsWith(`${name}: `) === true
  }

  /** What the named check vouched by is not so any more; what the client did meanwhile is judged from now on. */
  retract(name: CheckName): void {
    if (this.isVouchedBy(name)) this.vouched = null
  }

  isRemembered(position: number): boolean {
    return this.remembered[position] === true
  }

  /** It failed the check before, and that is still remembered. */
  hasOffended(position: number): boolean {
    return this.offended[position] === true
  }

  /** Whether the client has passed the named check, now or before, or need not: it is not planned, or somebody vouched. */
  hasPassed(plan: Plan, name: CheckName): boolean {
    if (this.vouched !== null) return true
    const position = plan.checks.findIndex(planned => planned.name === name)
    if (position < 0) return true
    const kind = this.outcomes[position]?.kind
    // One that is remembered need not be tested again, so `todo` and `unknown` take nothing from it.
    return kind === 'pass' || (kind !== 'fail' && this.isRemembered(position))
  }

  /** The points of all that has failed, whatever follows from it: who is let go first where not all can be held. */
  suspicion(plan: Plan): number {
    return plan.checks.reduce((sum, { points }, i) => sum + (this.outcomes[i]?.kind === 'fail' ? points : 0), 0)
  }

  isDisarmed({ name, breaker }: PlannedCheck): boolean {
    return breaker && this.disarmed.size > 0 && this.disarmed.has(name)
  }

  /** What follows if the check fails. */
  actionFor(planned: PlannedCheck, position: number): Action {
    return this.isDisarmed(planned) ? 'observe' : this.meantFor(planned, position)
  }

  /** What would follow if the check were not disarmed. */
  meantFor(planned: PlannedCheck, position: number): Action {
    return this.offended[position] === true ? planned.again : planned.action
  }
}

/**
 * Runs every check of the session that is still open over the facts and forms the verdict. Thirty function calls after each input cost
 * less than any bookkeeping of what changed would: under 2 % of a relayed session (profile of `npm run bench -- relay`, Node 20). The allow list and a login beat everything; any other voucher counts only when nothing
 * has failed yet, wherever in the plan it stands, and not while its check only observes. So but for a login a verdict never becomes milder
 * within one transaction.
 */
export function judge(facts: Facts, plan: Plan, tally: Tally): Verdict {
  if (tally.vouched !== null) return none
  const sum = new Sum()
  let vouched: string | null = null
  for (let i = 0; i < plan.checks.length; i++) {
    const planned = plan.checks[i] as PlannedCheck
    if (planned.check.scope === 'recipient') continue
    let outcome = tally.outcomes[i] as Outcome
    if (outcome.kind !== 'fail') {
      outcome = planned.check.test(facts, planned.options)
      tally.outcomes[i] = outcome
    } else if (planned.check.scope === 'transaction') outcome = planned.check.test(facts, planned.options)
    const action = tally.actionFor(planned, i)
    if (outcome.kind === 'vouch') {
      const reason = `${planned.name}: ${outcome.why}`
      if (planned.check.vouches === 'for all') return acquit(tally, reason)
      if (action !== 'observe') vouched ??= reason
    }
    if (outcome.kind === 'fail') sum.add(planned, action, outcome.why, facts)
  }
  if (vouched !== null && sum.worst === 0 && sum.heaviest === null) return acquit(tally, vouched)
  tally.score = sum.score
  tally.verdict = sum.conclude(plan, facts)
  return tally.verdict
}

/**
 * The verdict for the recipient that is asked for now, by the plan that holds for it: what the checks of the session have said, and
 * what those of recipients say of this one. It binds no other recipient, nor the message: of those that failed for any, the outcome
 * is kept for the log.
 */
export function judgeRecipient(facts: Facts, plan: Plan, tally: Tally): Verdict {
  if (tally.vouched !== null) return none
  const sum = new Sum()
  for (let i = 0; i < plan.checks.length; i++) {
    const planned = plan.checks[i] as PlannedCheck
    let outcome = tally.outcomes[i] as Outcome
    if (planned.check.scope !== undefined) {
      const before = outcome
      outcome = planned.check.test(facts, planned.options)
      if (before.kind !== 'fail') tally.outcomes[i] = outcome
    }
    if (outcome.kind === 'fail') sum.add(planned, tally.actionFor(planned, i), outcome.why, facts)
  }
  return sum.conclude(plan, facts)
}

/** What is recorded of a session that is over: names of checks, and why those that failed did. */
export interface Past {
  readonly facts: Facts
  readonly remembered: readonly string[]
  readonly offended: readonly string[]
  readonly failures: Readonly<Record<string, string>>
  /** The check that vouched for the client, before anything could fail; null: none did. */
  readonly voucher: string | null
}

/**
 * The verdict that the facts of a session lead to under this plan: the worst that it, or one of its recipients, would have heard. What
 * is recorded as a failure stays one where the facts cannot show it and no option could undo it: that of a recipient, or of a transaction, among others.
 */
export function judgeAgain(
  { facts, remembered, offended, failures, voucher }: Past,
  plan: Plan,
  tally: Tally,
): Verdict {
  tally.recall(plan, remembered, offended)
  const vouching = plan.checks.find(({ name, action }) => name === voucher && action !== 'observe')
  const vouched = vouching?.check.test(facts, vouching.options)
  // What it did afterwards was tested by nobody.
  if (vouched?.kind === 'vouch') return acquit(tally, `${voucher}: ${vouched.why}`)
  plan.checks.forEach(({ name, check, options }, i) => {
    const why = Object.hasOwn(failures, name) ? failures[name] : undefined
    if (why !== undefined && stands(check, facts, options)) tally.outcomes[i] = fail(why)
  })
  const general = judge(facts, plan, tally)
  if (tally.vouched !== null) return none
  const sum = new Sum()
  plan.checks.forEach((planned, i) => {
    const outcome = tally.outcomes[i]
    if (outcome?.kind === 'fail') sum.add(planned, tally.actionFor(planned, i), outcome.why, facts)
  })
  const worst = sum.conclude(plan, facts)
  return isWorse(worst, general) ? worst : general
}

function stands(check: Check, facts: Facts, options: Readonly<Record<string, number>>): boolean {
  if (check.scope !== undefined) return true
  return Object.keys(check.options).length === 0 && check.test(facts, options).kind !== 'pass'
}

function acquit(tally: Tally, reason: string): Verdict {
  tally.vouched = reason
  tally.verdict = none
  return none
}

function actionOfScore(score: number, plan: Plan): 'observe' | 'defer' | 'refuse' {
  if (plan.score.refuse > 0 && score >= plan.score.refuse) return 'refuse'
  if (plan.score.defer > 0 && score >= plan.score.defer) return 'defer'
  return 'observe'
}

function verdictOf(action: Action, planned: PlannedCheck, why: string, facts: Facts): Verdict {
  if (action === 'observe' || action === 'score') return none
  const words = typeof planned.check.words === 'function' ? planned.check.words(facts) : planned.check.words
  return { action, cause: { check: planned.name, why, words } }
}

/**
 * Whether nothing that is to be settled by the end of `stage` is still open. Checks that only observe are not waited for:
 * observing costs the client nothing. (The greet pause itself is the operator's setting, not a check's.)
 */
export function isSettled(stage: Stage, plan: Plan, tally: Tally): boolean {
  if (tally.vouched !== null) return true
  return plan.checks.every((planned, i) => {
    if (!isDue(planned.check.settles, stage)) return true
    if (tally.outcomes[i]?.kind !== 'todo' || tally.isRemembered(i)) return true
    return tally.actionFor(planned, i) === 'observe'
  })
}

/** Whether something that was asked about the client or its sender has not been answered, and would decide. */
export function isWaiting(facts: Facts, plan: Plan, tally: Tally): boolean {
  if (tally.vouched !== null) return false
  return plan.checks.some((planned, i) => {
    const { check, options } = planned
    if (check.asks === undefined || check.scope === 'recipient') return false
    if (tally.isRemembered(i) || tally.actionFor(planned, i) === 'observe') return false
    const outcome = check.scope === 'transaction' ? check.test(facts, options) : tally.outcomes[i]
    return outcome?.kind === 'todo'
  })
}

/** Whether some check needs the answer to the question: it has not been passed before, and nobody vouched. */
export function isAsked(question: Question, plan: Plan, tally: Tally): boolean {
  if (tally.vouched !== null) return false
  return plan.checks.some(({ check }, i) => check.asks === question && !tally.isRemembered(i))
}

const order: Readonly<Record<Stage, number>> = { recall: 0, greet: 1, command: 2, message: 3 }

function isDue(settles: Stage, stage: Stage): boolean {
  return order[settles] <= order[stage]
}
