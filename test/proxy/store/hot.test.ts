// What is answered at the gate although Redis is well, in virtual time.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HotRecalls, hotFrom, hotSpan, mostHot } from '@sallyport/proxy/store/hot-recalls.js'
import { mostUnderWay } from '@sallyport/proxy/store/rate-queue.js'
import { RateTable } from '@sallyport/proxy/store/rate-table.js'
import { SharedRates } from '@sallyport/proxy/store/shared-rates.js'
import type { ClientRecord, Counted } from '@sallyport/proxy/store/store.js'
import fc from 'fast-check'

const record = (passed: string): ClientRecord => ({ passed: [passed], failed: [], repute: null })

/** A store that says how often it was asked, and answers when it is told to. */
class Asked {
  count = 0
  answer: ClientRecord | null = record('1')
  private readonly waiting: (() => void)[] = []
  readonly question = (): Promise<ClientRecord | null> => {
    this.count++
    return Promise.resolve(this.answer)
  }
  readonly later = (): Promise<ClientRecord | null> => {
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
    const [hot, asked] = [new HotRecalls(), new Asked()]
    for (let now = 0; now < 10 * hotSpan; now += 1) {
      asked.answer = record(`${now}`)
      const answer = await hot.recall('192.0.2.0/24', now, asked.question)
      assert.ok(now - Number(answer?.passed[0]) < hotSpan, `${answer?.passed[0]} at ${now}`)
    }
    assert.equal(asked.count, 10 * hotFrom)
  })

  test('of a name that few ask for are asked each time', async () => {
    const [hot, asked] = [new HotRecalls(), new Asked()]
    for (let i = 0; i < hotFrom; i++) {
      asked.answer = record(`${i}`)
      assert.deepEqual(await hot.recall('192.0.2.1', i, asked.question), asked.answer)
    }
  })

  test('at once share one question', async () => {
    const [hot, asked] = [new HotRecalls(), new Asked()]
    const answers = Array.from({ length: 1000 }, () => hot.recall('192.0.2.1', 0, asked.later))
    assert.equal(asked.count, 1)
    asked.release()
    assert.equal(new Set(await Promise.all(answers)).size, 1)
  })

  test('what was learnt is asked for at once, also where a question is under way that does not know it', async () => {
    const [hot, asked] = [new HotRecalls(), new Asked()]
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
    const [hot, asked] = [new HotRecalls(), new Asked()]
    asked.answer = null
    for (let i = 0; i < 10; i++) assert.equal(await hot.recall('192.0.2.1', 0, asked.question), null)
    assert.equal(asked.count, 10)
  })

  test('are counted of so many names and no more; of the others each is asked', async () => {
    const [hot, asked] = [new HotRecalls(), new Asked()]
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
          let asked = 0
          const gates = [0, 1, 2].map(
            () =>
              new SharedRates(
                100,
                async (place, counted) => {
                  asked++
                  return { answer: store.count(place, counted, now / 1000) }
                },
                () => now / 1000,
                () => now,
              ),
          )
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
              assert.ok(here.wait <= there.wait + 1e-9, `${here.wait} is longer than ${there.wait}`)
          }
          assert.ok(asked <= arrivals.length)
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
