import fc from 'fast-check'
import { checkMessage } from './message-model.ts'

/** Fixed, so that a failure is the same tomorrow. A property that is tried without `runs` has another each time; fast-check prints it with the case. */
const seed = 20_260_801

/** How often a property is tried in the tests. */
export const runs = (numRuns: number): fc.Parameters<unknown> => ({ seed, numRuns, includeErrorInReport: true })

/**
 * Under fuzzing: another seed each time, printed on failure (FUZZ_SEED gives it again); FUZZ_RUNS runs, of which the property
 * may have a share. What is not done in half an hour is a failure, so that a number is a number.
 */
export const fuzzRuns = (share = 1): fc.Parameters<unknown> => ({
  numRuns: Math.ceil(share * Number(process.env['FUZZ_RUNS'] ?? 1_000_000)),
  interruptAfterTimeLimit: 1_800_000,
  markInterruptAsFailure: true,
  includeErrorInReport: true,
  ...(process.env['FUZZ_SEED'] === undefined ? {} : { seed: Number(process.env['FUZZ_SEED']) }),
})

/** Places to cut a text at: ascending, inside it. */
export const cutAt = (text: string, places: readonly number[]): readonly number[] =>
  text.length < 2 ? [] : [...new Set(places.map(place => 1 + (place % (text.length - 1))))].sort((a, b) => a - b)

const letters = ['\r', '\n', '\r\n', '.', '\r\n.', '.\r\n', '\0', ' ', 'A', '\x80', '\r\n.\r\n'] as const

/** Texts in which the ends of lines and messages lie thick. */
const messageText = fc.array(fc.constantFrom(...letters), { maxLength: 24 }).map(parts => parts.join(''))

// Invariant: what the backend is given is the message the client sent, with exactly one end, wherever packets are cut.
export const isTheSameMessage = fc.property(messageText, fc.array(fc.nat(200), { maxLength: 8 }), (text, places) =>
  checkMessage(text, cutAt(text, places)),
)
