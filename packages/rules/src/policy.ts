import type { Action, Check, CountOption, Outcome, Question, Stage } from './check.ts'
import { type CheckName, checks, type OwnName } from './checks/index.ts'
import type { Delays } from './delay.ts'
import type { Facts } from './facts.ts'
import type { Network } from './network.ts'
import { type Preset, presetSettings } from './preset.ts'

/** The operator's settings for one check; what is left out keeps the preset's, or the check's own default. */
export interface CheckSettings {
  readonly enabled?: boolean
  readonly action?: Action
  /** The action for a client that failed the check before; null: the same as the first time. */
  readonly again?: Action | null
  /** Points under `score`. */
  readonly points?: number
  /** Seconds for which a pass is remembered. */
  readonly ttl?: number
  /** Whether its breaker may disarm it. */
  readonly breaker?: boolean
  readonly options?: Readonly<Record<string, number>>
}

type ByName = { readonly [Name in CheckName]?: CheckSettings }

/** Settings for some clients or recipients. It is for a session, or a recipient, that meets each kind of condition it has. */
export interface Exception {
  /** Networks of clients. */
  readonly networks: readonly Network[]
  /** Names of clients, confirmed by the DNS; `*.example.net`: all below example.net. Lower case. */
  readonly names: readonly string[]
  /** Arguments of HELO, which anybody may choose; written as `names`. */
  readonly hello: readonly string[]
  /** Domains of recipients, written as `names`. */
  readonly recipients: readonly string[]
  /** A check that is not run at all (`enabled`) is not run for anybody. */
  readonly checks: ByName
}

export interface Policy {
  /** The operator's own checks; they come behind ours. */
  readonly own?: readonly Check<OwnName>[]
  readonly preset?: Preset
  readonly checks?: ByName
  /** The sum of points from which a client is deferred or refused; 0: never. */
  readonly score?: { readonly defer: number; readonly refuse: number }
  /** Seconds for which a failed check is remembered against a client (for `again`). */
  readonly offenceTtl?: number
  readonly delays?: Partial<Delays>
  readonly exceptions?: readonly Exception[]
}

/**
 * A check bound to the operator's settings. What is asked of each at every input is said here again, in the same fields of all: checks
 * leave out what they do not need, and where objects are of many kinds an engine finds their fields several times slower.
 */
export interface PlannedCheck {
  readonly check: Check
  readonly settles: Stage
  readonly scope: 'session' | 'recipient' | 'transaction'
  readonly asks: Question | null
  test(facts: Facts, options: Readonly<Record<string, number>>): Outcome
  readonly name: CheckName
  readonly action: Action
  readonly again: Action
  readonly points: number
  readonly ttl: number
  readonly breaker: boolean
  readonly options: Readonly<Record<string, number>>
}

/** The policy of one configuration, made once and shared by every session. */
export interface Plan {
  readonly checks: readonly PlannedCheck[]
  readonly score: { readonly defer: number; readonly refuse: number }
  readonly offenceTtl: number
  readonly delays: Delays
}

export const defaultScore = { defer: 5, refuse: 10 } as const
export const defaultPreset: Preset = 'gentle'

function optionsOf(specs: Readonly<Record<string, CountOption>>, set: Readonly<Record<string, number>>) {
  const options: Record<string, number> = {}
  for (const [name, spec] of Object.entries(specs)) options[name] = set[name] ?? spec.value
  return options
}

/** The settings of one check where several say something: what comes later counts. */
function settle(layers: readonly CheckSettings[]): CheckSettings {
  let settled: CheckSettings = {}
  for (const layer of layers) {
    const { again, ...others } = settled
    // Who chose an action chose it for every offence, unless he says otherwise.
    const kept = layer.action === undefined && again !== undefined ? { again } : {}
    settled = { ...others, ...kept, ...layer, options: { ...settled.options, ...layer.options } }
  }
  return settled
}

/** Binds the settings to the list of checks. `exceptions`: those that hold, the last the strongest. */
export function makePlan(policy: Policy, exceptions: readonly Exception[] = []): Plan {
  const preset = presetSettings[policy.preset ?? defaultPreset]
  const planned: PlannedCheck[] = []
  for (const definition of [...checks, ...(policy.own ?? [])]) {
    const check: Check = definition
    const name = definition.name
    const general = [preset.checks[name] ?? {}, policy.checks?.[name] ?? {}]
    if (settle(general).enabled === false) continue
    const set = settle([...general, ...exceptions.map(exception => exception.checks[name] ?? {})])
    const action = set.action ?? check.action
    const again = set.again !== undefined ? set.again : set.action === undefined ? check.again : null
    planned.push({
      check,
      settles: check.settles,
      scope: check.scope ?? 'session',
      asks: check.asks ?? null,
      test: check.test,
      name,
      action,
      again: again ?? action,
      points: set.points ?? check.points,
      ttl: check.scope === undefined ? (set.ttl ?? check.ttl) : 0,
      breaker: set.breaker ?? check.breaker ?? true,
      options: optionsOf(check.options, set.options ?? {}),
    })
  }
  return {
    checks: planned,
    score: policy.score ?? defaultScore,
    offenceTtl: policy.offenceTtl ?? 86_400,
    delays: { ...preset.delays, ...policy.delays },
  }
}
