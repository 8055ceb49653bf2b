import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Aftermath,
  type BackendWord,
  backendWords,
  type Extent,
  Facts,
  judge,
  makePlan,
  type PrecisionWord,
  precisionOf,
  type ReplyStage,
  Tally,
} from '@sallyport/rules'
import fc from 'fast-check'

type Reply = readonly [ReplyStage, BackendWord]

const accepted: Reply = ['dot', 'accepted']
const known: Reply = ['rcpt', 'accepted']
const unknown: Reply = ['rcpt', 'unknown user']

const observing = makePlan({ checks: { pregreet: { action: 'observe' }, spf: { action: 'observe' } } })
const one: Extent = { recipients: 1, transactions: 1 }

/** A session in which a check fails, with what the backend said before that and after. */
class Story {
  readonly facts = new Facts()
  readonly tally = new Tally(observing)
  aftermath: Aftermath | null = null

  hears(...replies: readonly Reply[]): this {
    for (const [stage, word] of replies) this.aftermath = Aftermath.note(this.aftermath, this.tally, stage, word)
    return this
  }

  sees(facts: Partial<Facts>): this {
    judge(Object.assign(this.facts, facts), observing, this.tally)
    return this
  }

  words(extent = one): Readonly<Record<string, PrecisionWord>> {
    const found = precisionOf(observing, this.tally, this.aftermath, extent)
    return Object.fromEntries(found.map(({ check, word }) => [check, word]))
  }
}

const early: Partial<Facts> = { pregreetBytes: 6 }

const cases: readonly (readonly [replies: readonly Reply[], word: PrecisionWord])[] = [
  [[], 'unknown'],
  [[known], 'unknown'],
  [[known, accepted], 'false'],
  [[known, ['dot', 'content']], 'true'],
  [[known, ['dot', 'policy']], 'true'],
  [[['rcpt', 'policy']], 'true'],
  [[['mail', 'policy']], 'true'],
  [[['mail', 'sender']], 'true'],
  [[['mail', 'accepted']], 'unknown'],
  // One message taken is one that the check would have lost.
  [[['dot', 'content'], ['dot', 'content'], accepted], 'false'],
  // Old lists have stale addresses: a few say nothing, and many only where they are the most.
  [[unknown, unknown], 'unknown'],
  [[unknown, unknown, unknown], 'true'],
  [[known, known, known, unknown, unknown, unknown], 'unknown'],
  [[known, known, unknown, unknown, unknown], 'true'],
  [[known, ['dot', 'quota']], 'unknown'],
  [[known, ['dot', 'size']], 'unknown'],
  [[known, ['dot', 'temporary']], 'unknown'],
  [[['rcpt', 'relay denied']], 'unknown'],
  [[known, ['dot', 'other']], 'unknown'],
]

for (const [replies, word] of cases) {
  test(`a failed check is ${word} where the backend says ${replies.map(reply => reply.join(' ')).join(', ') || 'nothing'}`, () => {
    assert.deepEqual(
      new Story()
        .sees(early)
        .hears(...replies)
        .words(),
      { pregreet: word },
    )
  })
}

test('what the backend said before the check failed does not speak of it', () => {
  assert.deepEqual(new Story().hears(accepted).sees({ bareNewlines: 1 }).words(), { 'bare-newline': 'unknown' })
  const story = new Story().hears(accepted).sees({ bareNewlines: 1 }).hears(['dot', 'content'])
  assert.deepEqual(story.words(), { 'bare-newline': 'true' })
})

test('each check is judged by what came after its own failure', () => {
  const story = new Story().sees(early).hears(accepted).sees({ bareNewlines: 1 }).hears(['dot', 'content'])
  assert.deepEqual(story.words(), { pregreet: 'false', 'bare-newline': 'true' })
})

test('a check about the sender is judged only where there was one sender', () => {
  const spf = { result: 'fail', domain: 'a', identity: 'mailfrom', mechanism: '-all', problem: null, explanation: null }
  const story = new Story().sees({ spf, sender: 'a@a' } as Partial<Facts>).hears(known, accepted)
  assert.equal(story.words()['spf'], 'false')
  assert.equal(story.words({ recipients: 2, transactions: 2 })['spf'], 'unknown')
})

test('under a voucher no check would have done anything', () => {
  const story = new Story().sees(early).sees({ access: 'allow' }).hears(accepted)
  assert.equal(story.aftermath, null)
  assert.deepEqual(story.words(), {})
})

test('a check that passed is not judged', () => {
  assert.deepEqual(new Story().sees({ greeted: true, greetWait: 6000 }).hears(accepted).words(), {})
})

test('any replies: a message taken makes it false, and without one it never is', () => {
  const stage = fc.constantFrom<ReplyStage>('mail', 'rcpt', 'dot')
  const replies = fc.array(fc.tuple(stage, fc.constantFrom(...backendWords)), { maxLength: 30 })
  fc.assert(
    fc.property(replies, said => {
      const isTaken = said.some(([where, word]) => where === 'dot' && word === 'accepted')
      const { pregreet } = new Story()
        .sees(early)
        .hears(...said)
        .words()
      assert.equal(pregreet === 'false', isTaken)
    }),
  )
})
