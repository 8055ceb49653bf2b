import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Heard, HonestSession } from './honest.ts'
import { Tape } from './tape.ts'
import { Walk } from './walk.ts'

/** A walk is written down as its choices, so that a shorter list is a shorter walk. */
const choices: fc.Arbitrary<readonly number[]> = fc.array(fc.noBias(fc.nat(0xffff)), {
  minLength: 12,
  maxLength: 160,
  size: 'max',
})

// Invariant: front and back never disagree about where a command or a message ends; nothing reaches the backend that the client
// did not send or the gate's own introduction does not say; no 250 is made up, and none is unheard while the client is there.
// Held by witness.ts at every call of the session, and between any two inputs.
export const keepsItsLaws = fc.property(choices, tape => new Walk(new Tape(tape)).run())

function hear(tape: readonly number[], cut: (length: number) => readonly number[]): Heard {
  const session = new HonestSession(new Tape(tape), cut)
  try {
    return session.run()
  } catch (fault) {
    throw new Error(`${fault instanceof Error ? fault.stack : fault}\n${session.witness.story()}`)
  }
}

const whole = () => []
const everywhere = (length: number) => Array.from({ length: length - 1 }, (_, i) => i + 1)
const ragged = (places: readonly number[]) => {
  let next = 0
  return (length: number) => {
    const cuts = new Set<number>()
    for (let count = (places[next++ % places.length] ?? 0) % 4; count > 0; count--)
      cuts.add(1 + ((places[next++ % places.length] ?? 0) % (length - 1)))
    return [...cuts].sort((a, b) => a - b)
  }
}

// Invariant: what both sides hear, and how it ends, depends on what is said and never on the packets it comes in.
export const isTheSameForEveryCut = fc.property(choices, choices, (tape, places) => {
  const heard = hear(tape, whole)
  assert.deepEqual(hear(tape, everywhere), heard)
  assert.deepEqual(hear(tape, ragged(places)), heard)
})

const ofTheBackend =
  /^(?:550 5\.1\.1 no such user|554 5\.[56]\.[01] no(?: valid recipients)?|552 5\.3\.4 too big|535 5\.7\.8 no)$/

/** How often the honest clients of the property below heard what. */
export const heard = { refused: 0, deferred: 0, accepted: 0, untroubled: 0 }

// Invariant: a backend down, silent, busy or refusing at its greeting gives 4xx; the only 5xx are its own answers.
export const refusesNobodyForGood = fc.property(choices, tape => {
  const { refused, client, untroubled } = hear(tape, whole)
  if (untroubled) heard.untroubled++
  if (untroubled) assert.doesNotMatch(client, /^[45]/m, 'trouble, and nobody had any')
  for (const text of refused) assert.match(text, ofTheBackend)
  if (refused.length > 0) heard.refused++
  if (/^4/m.test(client)) heard.deferred++
  if (client.includes('queued as')) heard.accepted++
})
