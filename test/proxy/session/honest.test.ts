import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Heard, HonestSession } from '../../support/honest.ts'
import { runs } from '../../support/properties.ts'
import { Tape } from '../../support/tape.ts'
import { tape } from '../../support/walks.ts'

function hear(choices: readonly number[], cut: (length: number) => readonly number[]): Heard {
  const session = new HonestSession(new Tape(choices), cut)
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

test('an honest client hears the same however its lines are cut', () => {
  // Invariant: what both sides hear, and how it ends, depends on what is said and never on the packets it comes in.
  fc.assert(
    fc.property(tape, tape, (choices, places) => {
      const heard = hear(choices, whole)
      assert.deepEqual(hear(choices, everywhere), heard)
      assert.deepEqual(hear(choices, ragged(places)), heard)
    }),
    runs(1_000),
  )
})

test('an honest client is never refused for good but by the backend', () => {
  // Invariant: a backend down, silent, busy or refusing at its greeting gives 4xx; the only 5xx are its own answers.
  const own = /^(?:550 5\.1\.1 no such user|554 5\.6\.0 no|554 5\.5\.1 no valid recipients)$/
  const heard = { refused: 0, deferred: 0, accepted: 0 }
  fc.assert(
    fc.property(tape, choices => {
      const { refused, client } = hear(choices, whole)
      for (const text of refused) assert.match(text, own)
      if (refused.length > 0) heard.refused++
      if (/^4/m.test(client)) heard.deferred++
      if (client.includes('queued as')) heard.accepted++
    }),
    runs(3_000),
  )
  for (const count of Object.values(heard)) assert.ok(count > 300, JSON.stringify(heard))
})
