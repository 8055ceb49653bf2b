import type { Action, Check, CountOption } from './check.ts'
import { type CheckName, checks } from './checks/index.ts'

/** The operator's settings for one check; what is left out keeps the check's own default. */
export interface CheckSettings {
  readonly enabled?: boolean
  readonly action?: Action
  /** The action for a client that failed the check before; null: the same as the first time. */
  readonly again?: Action | null
  /** Points under `score`. */
  readonly points?: number
  /** Seconds for which a pass is remembered. */
  readonly ttl?: number
  readonly options?: Readonly<Record<string, number>>
}

export interface Policy {
  readonly checks?: { readonly [Name in CheckName]?: CheckSettings }
  /** The sum of points from which a client is deferred or refused; 0: never. */
  readonly score?: { readonly defer: number; readonly refuse: number }
  /** Seconds for which a failed check is remembered against a client (for `again`). */
  readonly offenceTtl?: number
}

/** A check bound to the operator's settings. */
export interface PlannedCheck {
  readonly check: Check
  readonly name: CheckName
  readonly action: Action
  readonly again: Action
  readonly points: number
  readonly ttl: number
  readonly options: Readonly<Record<string, number>>
}

/** The policy of one configuration, made once and shared by every session. */
export interface Plan {
  readonly checks: readonly PlannedCheck[]
  readonly score: { readonly defer: number; readonly refuse: number }
  readonly offenceTtl: number
}

export const defaultScore = { defer: 5, refuse: 10 } as const

function optionsOf(specs: Readonly<Record<string, CountOption>>, set: Readonly<Record<string, number>>) {
  const options: Record<string, number> = {}
  for (const [name, spec] of Object.entries(specs)) options[name] = set[name] ?? spec.value
  return options
}

/** Binds the operator's settings to the list of checks. */
export function makePlan(policy: Policy): Plan {
  const planned: PlannedCheck[] = []
  for (const definition of checks) {
    const check: Check = definition
    const name = definition.name
    const set = policy.checks?.[name] ?? {}
    if (set.enabled === false) continue
    const action = set.action ?? check.action
    // An operator who chose an action chose it for every offence, unless he says otherwise.
    const again = set.again !== undefined ? set.again : set.action === undefined ? check.again : null
    planned.push({
      check,
      name,
      action,
      again: again ?? action,
      points: set.points ?? check.points,
      ttl: set.ttl ?? check.ttl,
      options: optionsOf(check.options, set.options ?? {}),
    })
  }
  return { checks: planned, score: policy.score ?? defaultScore, offenceTtl: policy.offenceTtl ?? 86_400 }
}
