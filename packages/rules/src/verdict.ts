import type { Action, Words } from './check.ts'
import type { CheckName } from './checks/index.ts'
import type { Facts } from './facts.ts'
import type { Plan, PlannedCheck } from './policy.ts'

/** What is to be done about the client, and the one check that is the reason: the worst, or the heaviest of the score. */
export interface Verdict {
  readonly action: 'none' | 'defer' | 'refuse' | 'decoy' | 'trap' | 'drop'
  readonly cause: Cause | null
}

interface Cause {
  readonly check: CheckName
  readonly why: string
  readonly words: Words
}

export const none: Verdict = { action: 'none', cause: null }

const severity = { none: 0, observe: 0, score: 0, defer: 1, refuse: 2, decoy: 3, trap: 4, drop: 5 } as const

/** Whether one does more to the client than the other. */
export const isWorse = (one: Verdict, other: Verdict): boolean => severity[one.action] > severity[other.action]

/** The client is not to be spoken with as with others any more. */
export const endsDialogue = ({ action }: Verdict): boolean => action === 'trap' || action === 'drop'

/** What failed checks add up to. */
export class Sum {
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
