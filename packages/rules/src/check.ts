import type { Facts } from './facts.ts'

/**
 * What a check saw.
 *  - `todo`: not enough is known yet;
 *  - `pass`: tested and found good; remembered for the check's ttl, or for `ttl` seconds where the test knows better;
 *  - `fail`: the fault, and in `why` what was seen, for the log (hostile text: escaped where it is shown); `isOld`: it was seen in an
 *    earlier session, and is not learnt anew;
 *  - `vouch`: this client needs no other check;
 *  - `unknown`: could not be told (no answer, not tested). Never counts for or against, and is never remembered.
 */
export type Outcome =
  | { readonly kind: 'todo' }
  | { readonly kind: 'pass'; readonly ttl: number | null }
  | { readonly kind: 'fail'; readonly why: string; readonly isOld?: true }
  | { readonly kind: 'vouch'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }

export const todo: Outcome = { kind: 'todo' }
export const pass: Outcome = { kind: 'pass', ttl: null }
/** A pass that holds for `ttl` seconds whatever the check's own ttl is. */
export const passFor = (ttl: number): Outcome => ({ kind: 'pass', ttl })
export const fail = (why: string): Outcome => ({ kind: 'fail', why })
export const failBefore = (why: string): Outcome => ({ kind: 'fail', why, isOld: true })
export const vouch = (why: string): Outcome => ({ kind: 'vouch', why })
export const unknown = (why: string): Outcome => ({ kind: 'unknown', why })
/** What several checks say of many that are held: one object for all of them. */
export const privateAddress = unknown('a private address')
export const noName = unknown('no name')
export const noAnswer = unknown('the DNS did not answer')

/**
 * What follows from a failed check; the operator's choice, never the check's.
 *  - `observe`: log and count what would have happened, nothing else, ever;
 *  - `score`: add the check's points; the sum decides (see policy.ts);
 *  - `defer`: 4xx at RCPT: come back later;
 *  - `refuse`: 5xx at RCPT;
 *  - `decoy`: the client speaks with a server of the gate's own that takes its message and refuses that with 5xx;
 *  - `trap`: 5xx to every recipient, an octet at a time;
 *  - `drop`: 521 at once and close.
 */
export const actions = ['observe', 'score', 'defer', 'refuse', 'decoy', 'trap', 'drop'] as const
export type Action = (typeof actions)[number]

/** What can be looked up of a client and its envelope. The answer comes later, or never; then the fact stays unknown. */
export const questions = ['dnsbl', 'reverse-name', 'hello-name', 'sender-domain', 'spf', 'greylist', 'rate'] as const
export type Question = (typeof questions)[number]

/** The phase at whose end a check is to be settled; later phases do not wait for it. */
export type Stage = 'recall' | 'greet' | 'command' | 'message'

/** What the client is told: generic words, and the enhanced code without its class (`5.1` becomes 4.5.1 or 5.5.1). */
export interface Words {
  readonly enhanced: string
  readonly text: string
  /** The reply code with which `drop` closes; 521 (RFC 7504) unless said otherwise. */
  readonly dropCode?: 421 | 521
}

/** A whole number the operator may set. */
export interface CountOption {
  readonly value: number
  readonly min: number
  readonly max: number
  /** One line for the configuration reference. */
  readonly about: string
}
type OptionSpecs = Readonly<Record<string, CountOption>>
type Options<Specs extends OptionSpecs> = { readonly [Name in keyof Specs]: number }

/** A check: what it looks at and how it is called. Its configuration, schema, metric label and memory follow from this. */
export interface Check<Name extends string = string, Specs extends OptionSpecs = OptionSpecs> {
  readonly name: Name
  /** One sentence for the docs: what a failing client did. */
  readonly about: string
  /** Who may fail it without being a bot: the false-positive note of the docs. */
  readonly mistakes: string
  /** Where the idea and its numbers come from: an RFC, a manual. */
  readonly source?: string
  readonly settles: Stage
  /**
   * `recipient`: it is about the one recipient that is asked for now (`facts.recipient`), tested anew for each, and its failure
   * is that recipient's alone. `transaction`: it is about the sender, and its failure is that transaction's: whoever forwards mail
   * of many sends it in one session. Neither is ever remembered. Otherwise it is about the session, and what has failed stays failed.
   */
  readonly scope?: 'recipient' | 'transaction'
  /** What must be looked up for it; without the check nothing is asked. */
  readonly asks?: Question
  /** Default of whether its breaker may disarm it (see check-breaker.ts); false where it says what the operator said. */
  readonly breaker?: boolean
  /** Its voucher outweighs what has failed already; otherwise one counts only while nothing has. */
  readonly vouches?: 'for all'
  /** Default action on the first offence. */
  readonly action: Action
  /** Default action when the client failed this check before and that is still remembered; null: the same again. */
  readonly again: Action | null
  /** Default points under `score`. */
  readonly points: number
  /** Default seconds for which a pass is remembered; 0: never, and its failure teaches nothing either. */
  readonly ttl: number
  /** Seconds for which a failure is remembered; without it, as the policy says, where the check remembers anything. */
  readonly offenceTtl?: number
  readonly options: Specs
  /** What the client is told; a function where the words name what was found. */
  readonly words: Words | ((facts: Facts) => Words)
  test(facts: Facts, options: Options<Specs>): Outcome
}

/** Keeps a check's name and options as literal types, so that a misspelt one does not compile. */
export function check<const Name extends string, const Specs extends OptionSpecs>(
  definition: Check<Name, Specs>,
): Check<Name, Specs> {
  return definition
}
