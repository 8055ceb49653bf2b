// What is answered at the gate although Redis is well, in virtual time.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RateTable } from '@sallyport/proxy/store/memory/rate-table.js'
import { longestTurnWait, mostUnderWay } from '@sallyport/proxy/store/rates/rate-queue.js'
import { type RateQuestion, SharedRates } from '@sallyport/proxy/store/rates/shared-rates.js'
import { Grace } from '@sallyport/proxy/store/shared/grace.js'
import { HotRecalls, hotFrom, hotSpan, mostHot } from '@sallyport/proxy/store/shared/hot-recalls.js'
import type { Asked } from '@sallyport/proxy/store/shared/questions.js'
import type { ClientRecord, Counted } from '@sallyport/proxy/store/store.js'
import fc from 'fast-check'

type Said = Asked<ClientRecord>

const record = (passed: string): Said => ({ answer: { passed: [passed], failed: [], repute: null } })

/** A store that says how often it was asked, and answers when it is told to. */
class Questions {
  count = 0
  answer: Said = record('1')
  private readonly waiting: (() => void)[] = []
  readonly question = (): Promise<Said> => {
    this.count++
    return Promise.resolve(this.answer)
  }
  readonly later = (): Promise<Said> => {
    this.count++
    const { answer } = this
    return new Promise(resolve => this.waiting.push(() => resolve(answer)))
  }
  /** Answers the question that has waited longest, as it was known when it was asked. */
  release(): void {
    this.waiting.shift()?.()
  }
}

describe('recalls of a hot name', () => {
  test('cost a few questions in each span, whatever their number, and no answer is older than a span', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    for (let now = 0; now < 10 * hotSpan; now += 1) {
      asked.answer = record(`${now}`)
      const answer = await hot.recall('192.0.2.0/24', now, asked.question)
      const said = typeof answer === 'object' ? answer.answer.passed[0] : answer
      assert.ok(now - Number(said) < hotSpan, `${said} at ${now}`)
    }
    assert.equal(asked.count, 10 * hotFrom)
  })

  test('of a name that few ask for are asked each time', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    for (let i = 0; i < hotFrom; i++) {
      asked.answer = record(`${i}`)
      assert.deepEqual(await hot.recall('192.0.2.1', i, asked.question), asked.answer)
    }
  })

  test('at once share one question', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    const answers = Array.from({ length: 1000 }, () => hot.recall('192.0.2.1', 0, asked.later))
    assert.equal(asked.count, 1)
    asked.release()
    assert.equal(new Set(await Promise.all(answers)).size, 1)
  })

  test('who learns on and on makes nobody ask more than twice', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    const answer = hot.recall('192.0.2.0/24', 0, asked.later)
    for (let i = 0; i < 10; i++) {
      hot.drop('192.0.2.0/24')
      asked.release()
      await new Promise(resolve => setImmediate(resolve))
    }
    await answer
    assert.equal(asked.count, 2)
  })

  test('what was learnt is asked for at once, also where a question is under way that does not know it', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    for (let i = 0; i <= hotFrom; i++) await hot.recall('192.0.2.1', 0, asked.question)
    hot.drop('192.0.2.1')
    asked.answer = record('2')
    assert.deepEqual(await hot.recall('192.0.2.1', 0, asked.question), record('2'))
    const answer = hot.recall('192.0.2.1', hotSpan, asked.later)
    hot.drop('192.0.2.1')
    asked.answer = record('3')
    asked.release()
    await new Promise(resolve => setImmediate(resolve))
    asked.release()
    assert.deepEqual(await answer, record('3'))
  })

  test('that were not answered are not remembered', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    asked.answer = 'failed'
    for (let i = 0; i < 10; i++) assert.equal(await hot.recall('192.0.2.1', 0, asked.question), 'failed')
    assert.equal(asked.count, 10)
  })

  test('are counted of so many names and no more; of the others each is asked', async () => {
    const [hot, asked] = [new HotRecalls(), new Questions()]
    for (let i = 0; i < mostHot; i++) await hot.recall(`name:${i}`, 0, asked.question)
    asked.count = 0
    for (let i = 0; i < 20; i++) await hot.recall('name:late', 0, asked.question)
    assert.equal(asked.count, 20)
    for (let i = 0; i < 20; i++) await hot.recall('name:1', 0, asked.question)
    assert.equal(asked.count, 20 + hotFrom - 1)
  })
})

describe('rates', () => {
  test('what is said here is what the store would have said, to the millisecond, for any connections of any gates', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ gate: fc.nat(2), host: fc.nat(3), after: fc.nat(700) }), { maxLength: 200 }),
        async arrivals => {
          let now = 0
          const [store, model] = [new RateTable(100), new RateTable(100)]
          const gates = [0, 1, 2].map(() => {
            /** Until when this gate has been told that a name is beyond its rate. */
            const untils = new Map<string, number>()
            const ask: RateQuestion = async (place, counted) => {
              for (const { name } of counted)
                assert.ok(
                  (untils.get(name) ?? 0) <= now,
                  `${name} is asked for although it is known until when it is beyond`,
                )
              const answer = store.count(place, counted, now / 1000)
              if (answer !== null) untils.set(answer.name, now + answer.wait * 1000)
              return { answer }
            }
            return new SharedRates(
              100,
              ask,
              () => now / 1000,
              () => now,
            )
          })
          for (const { gate, host, after } of arrivals) {
            now += after
            const counted: readonly Counted[] = [
              { name: `${host}`, rate: { count: 2, period: 10 } },
              { name: '', rate: { count: 5, period: 10 } },
            ]
            const here = (await gates[gate]?.count('net', counted)) ?? null
            const there = model.count('net', counted, now / 1000)
            assert.equal(here === null, there === null)
            if (here !== null && there !== null && here.name === there.name)
              assert.ok(Math.abs(here.wait - there.wait) < 0.001, `${here.wait} s here, ${there.wait} s there`)
          }
        },
      ),
    ))

  test('a thousand at once are let in as the rate says, and cost that many questions and a few', async () => {
    const store = new RateTable(100)
    let asked = 0
    const rates = new SharedRates(
      100,
      async (place, counted) => {
        asked++
        await new Promise(resolve => setImmediate(resolve))
        return { answer: store.count(place, counted, 0) }
      },
      () => 0,
      () => 0,
    )
    const counted = [{ name: '', rate: { count: 50, period: 60 } }]
    const said = await Promise.all(Array.from({ length: 1000 }, () => rates.count('192.0.2.0/24', counted)))
    assert.equal(said.filter(beyond => beyond === null).length, 50)
    assert.ok(asked <= 50 + mostUnderWay, `${asked}`)
  })

  test('who does not wait to the end is counted there all the same, and here until there is an answer', async () => {
    let asked = 0
    let release = (): void => undefined
    const rates = new SharedRates(
      100,
      () => {
        asked++
        return new Promise(resolve => {
          release = () => resolve({ answer: { name: '', wait: 30 } })
        })
      },
      () => 0,
      () => 0,
    )
    const counted = [{ name: '', rate: { count: 1, period: 60 } }]
    const count = () => rates.count('192.0.2.0/24', counted, () => Promise.resolve(null))
    assert.equal(await count(), null)
    assert.deepEqual(await count(), { name: '', wait: 60 }, 'by what this gate has counted')
    assert.equal(asked, 2)
    release()
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(await count(), { name: '', wait: 30 }, 'what was said late is known')
    assert.equal(asked, 2)
  })

  test('whose turn does not come in time is counted here, and is not asked for', async () => {
    let [asked, now] = [0, 0]
    const pending: (() => void)[] = []
    const rates = new SharedRates(
      100,
      () => {
        asked++
        return new Promise(resolve => pending.push(() => resolve('failed')))
      },
      () => 0,
      () => now,
    )
    const counted = [{ name: '', rate: { count: 1_000, period: 60 } }]
    const answers = Array.from({ length: 3 * mostUnderWay }, () => rates.count('192.0.2.0/24', counted))
    await new Promise(resolve => setImmediate(resolve))
    now = longestTurnWait + 1
    pending.shift()?.()
    const late = answers.slice(mostUnderWay)
    assert.deepEqual(
      await Promise.all(late),
      late.map(() => null),
    )
    assert.equal(asked, mostUnderWay, 'none of those that waited')
    for (const answer of pending.splice(0)) answer()
    await Promise.all(answers)
    void rates.count('192.0.2.0/24', counted)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(asked, mostUnderWay + 1, 'the next has its turn')
  })

  test('another rate, as after a reload, is asked for', async () => {
    let asked = 0
    const rates = new SharedRates(
      100,
      async () => ({ answer: ++asked === 1 ? { name: '', wait: 30 } : null }),
      () => 0,
      () => 0,
    )
    const count = (count: number) => rates.count('192.0.2.0/24', [{ name: '', rate: { count, period: 60 } }])
    assert.notEqual(await count(2), null)
    assert.notEqual(await count(2), null)
    assert.equal(asked, 1)
    assert.equal(await count(20), null)
  })
})

test('a node that was late for one who is known for good is not waited for; behind a queue that says nothing of it', async () => {
  const grace = new Grace(0)
  const never = new Promise<string>(() => undefined)
  const answer = Promise.resolve('answer')
  assert.equal(await grace.answerInTurn('node', never), null)
  assert.equal(await grace.answer('node', answer), 'answer')
  assert.equal(await grace.answer('node', never), null)
  assert.equal(await grace.answer('node', answer), null)
  assert.equal(await grace.answer('other', answer), 'answer')
  grace.answered('node', 0)
  assert.equal(await grace.answer('node', answer), 'answer')
})
