// What befalls whom, and when: for one seed always the same.
//
// Each victim has a sequence of its own, so that faults of several meet. The road not taken: one sequence of which each fault waits for the
// one before. There two gates are never away together.

import { dice } from './dice.ts'

export const victims = ['gate1', 'gate2', 'redis', 'backend'] as const

export type Victim = (typeof victims)[number]

/** `frozen`: stopped by SIGSTOP for a while first, so that the backend's replies lie unread in it when it is killed. */
export type FaultKind = 'killed' | 'frozen' | 'paused' | 'stopped'

export interface Fault {
  readonly victim: Victim
  readonly kind: FaultKind
  /** How long all was well with the victim before, ms. */
  readonly calm: number
  /** How long it is away, ms. */
  readonly away: number
}

interface Ways {
  readonly kinds: readonly FaultKind[]
  /** The longest calm and the longest absence, ms. */
  readonly calm: number
  readonly away: number
}

const gate: Ways = { kinds: ['killed', 'frozen'], calm: 6_000, away: 1_500 }

const ways: Readonly<Record<Victim, Ways>> = {
  gate1: gate,
  gate2: gate,
  redis: { kinds: ['paused', 'killed'], calm: 4_000, away: 1_500 },
  backend: { kinds: ['stopped'], calm: 8_000, away: 1_500 },
}

/** The shortest calm and the shortest absence, ms. */
const least = 200

/** The faults of one victim without an end; each of its kinds comes once in as many faults. */
export function* faultsOf(victim: Victim, seed: number): Generator<Fault, never> {
  const throwDice = dice(seed * victims.length + victims.indexOf(victim))
  const { kinds, calm, away } = ways[victim]
  const span = (most: number) => Math.round(least + throwDice() * (most - least))
  const start = Math.floor(throwDice() * kinds.length)
  for (let turn = start; ; turn++) {
    const kind = kinds[turn % kinds.length] ?? 'killed'
    yield { victim, kind, calm: span(calm), away: span(away) }
  }
}
