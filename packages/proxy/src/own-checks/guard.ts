import type { Check, Outcome, OwnName, Policy, Words } from '@sallyport/rules'
import { areWords } from './load.ts'

/** The longest that a test may take, ms. It runs within the session that it is about, and all others wait meanwhile. */
const longest = 5

/** How often it may take longer: a pause of the garbage collector's, or of the machine's, is not its fault. */
const mostSlow = 3

/** What is done where its words cannot be used. */
const otherWords: Words = { enhanced: '7.1', text: 'Access denied' }

/** Told once of each check that is silenced, and why. */
export type Silenced = (check: OwnName, why: string) => void

/**
 * A policy whose own checks cannot hurt a session: one that throws, gives what is no outcome, or is slow for the third time is
 * silenced. From then on, to the next reload, all that it says is unknown. It gets a copy of the facts, and writes to nothing.
 *
 * Not taken: threads, in which an endless loop would hold nobody: a check is asked several times a session, and each time would cost
 * more than all others together.
 */
export function guarded(policy: Policy, silenced: Silenced): Policy {
  if (policy.own === undefined) return policy
  return { ...policy, own: policy.own.map(check => guard(check, silenced)) }
}

function guard(check: Check<OwnName>, silenced: Silenced): Check<OwnName> {
  const { words } = check
  let fault: string | null = null
  let slow = 0
  const silence = (why: string): Outcome => {
    fault = why.slice(0, 200)
    silenced(check.name, fault)
    return { kind: 'unknown', why: `silenced: ${fault}` }
  }
  return {
    ...check,
    test(facts, options) {
      if (fault !== null) return { kind: 'unknown', why: `silenced: ${fault}` }
      const started = performance.now()
      let outcome: Outcome | null
      try {
        const given: unknown = check.test(Object.freeze({ ...facts }), options)
        outcome = isOutcome(given) ? given : null
      } catch (thrown) {
        return silence(thrown instanceof Error ? `it threw ${thrown.message}` : 'it threw what is no Error')
      }
      const took = performance.now() - started
      if (outcome === null) return silence('what it gave is no outcome')
      if (took > longest && ++slow >= mostSlow) return silence(`it took ${Math.round(took)} ms`)
      return outcome
    },
    words:
      typeof words === 'function'
        ? facts => {
            try {
              const said = words(Object.freeze({ ...facts }))
              if (areWords(said)) return said
            } catch {
              // Its outcome counts all the same; the client is told what every client may be told.
            }
            return otherWords
          }
        : words,
  }
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  const { kind, why, ttl } = value as { kind: unknown; why?: unknown; ttl?: unknown }
  if (kind === 'todo') return true
  if (kind === 'pass') return ttl === null || (typeof ttl === 'number' && ttl >= 0)
  return (kind === 'fail' || kind === 'vouch' || kind === 'unknown') && typeof why === 'string'
}
