import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deferrals, type Entry, Facts, judge, Ledger, makePlan, precisionRate, Tally } from '@sallyport/rules'

const plan = makePlan({ checks: { 'bare-newline': { action: 'observe' } } })

function entry(facts: Partial<Facts>, rest: Partial<Entry> = {}): Entry {
  const tally = new Tally(plan)
  const { cause } = judge(Object.assign(new Facts(), facts), plan, tally)
  return { plan, tally, precision: [], cause: cause?.check ?? null, backend: null, ...rest }
}

test('a check that turns a client away saves what a client that was let through takes on average', () => {
  const ledger = new Ledger()
  ledger.note(entry({ pregreetBytes: 1 }))
  assert.deepEqual(
    { ...ledger.rowOf('pregreet') },
    { runs: 1, fails: 1, observed: 0, acted: 1, true: 0, false: 0, unknown: 0, connections: 1, octets: 0, seconds: 0 },
  )
  ledger.note(entry({}, { backend: { octets: 1000, seconds: 1 } }))
  ledger.note(entry({}, { backend: { octets: 3000, seconds: 2 } }))
  ledger.note(entry({ pregreetBytes: 1 }))
  const { connections, octets, seconds } = ledger.rowOf('pregreet')
  assert.deepEqual([connections, octets, seconds], [2, 2000, 1.5])
})

test('what is turned away behind the backend saves none', () => {
  const ledger = new Ledger()
  ledger.note(entry({ pregreetBytes: 1 }, { backend: { octets: 10, seconds: 1 } }))
  assert.deepEqual([ledger.rowOf('pregreet').acted, ledger.rowOf('pregreet').connections], [1, 0])
})

test('what only observes is counted as what it would have done', () => {
  const ledger = new Ledger()
  const precision = [{ check: 'bare-newline', word: 'false' }] as const
  ledger.note(entry({ bareNewlines: 1 }, { precision, backend: { octets: 10, seconds: 1 } }))
  const row = ledger.rowOf('bare-newline')
  assert.deepEqual([row.runs, row.fails, row.observed, row.acted, row.false], [1, 1, 1, 0, 1])
})

test('precision is the part that was right of what can be judged', () => {
  const ledger = new Ledger()
  assert.equal(precisionRate(ledger.rowOf('dnsbl')), null)
  Object.assign(ledger.rowOf('dnsbl'), { true: 3, false: 1, unknown: 96 })
  assert.equal(precisionRate(ledger.rowOf('dnsbl')), 0.75)
})

test('mail that comes again has waited since its first deferral', () => {
  const deferrals = new Deferrals()
  deferrals.deferred('a', 'greylist', 1_000)
  deferrals.deferred('a', 'pregreet', 2_000)
  assert.equal(deferrals.accepted('b', 3_000), null)
  assert.deepEqual(deferrals.accepted('a', 61_000), { check: 'greylist', wait: 60_000 })
  assert.equal(deferrals.accepted('a', 62_000), null)
})

test('what comes after a day is other mail, and of any number of deferrals the latest are kept', () => {
  const deferrals = new Deferrals()
  deferrals.deferred('a', 'greylist', 0)
  assert.equal(deferrals.accepted('a', 86_400_000), null)
  for (let i = 0; i < 20_000; i++) deferrals.deferred(`key ${i}`, 'greylist', i)
  assert.equal(deferrals.size, 10_000)
  assert.equal(deferrals.accepted('key 9999', 20_000), null)
  assert.deepEqual(deferrals.accepted('key 10000', 20_000), { check: 'greylist', wait: 10_000 })
})
