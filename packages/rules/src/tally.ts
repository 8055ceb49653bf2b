import { type Action, type Outcome, todo } from './check.ts'
import type { CheckName } from './checks/index.ts'
import type { Plan, PlannedCheck } from './policy.ts'
import { none, type Verdict } from './verdict.ts'

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
