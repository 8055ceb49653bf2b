import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsblRank, type DnsblResult } from '@sallyport/rules/dnsbl-rank.js'
import { type DnsblZone, parseZone } from '@sallyport/rules/dnsbl-zone.js'
import fc from 'fast-check'

const zones = (...texts: string[]): DnsblZone[] =>
  texts.map(text => {
    const parsed = parseZone(text)
    assert.ok(!('problem' in parsed), text)
    return parsed
  })
const bounds = { min: 60, max: 3600, fallback: 600 }
const answers = (...list: string[]): DnsblResult => ({
  kind: 'answers',
  addresses: list.map(address => ({ address, ttl: 300 })),
})
const absent: DnsblResult = { kind: 'absent' }
const failed: DnsblResult = { kind: 'failed' }

test('before any answer everything is open', () => {
  const rank = new DnsblRank(zones('a*2', 'b*3', 'good*-4'), bounds)
  assert.deepEqual(rank.finding(), { rank: 0, list: null, couldRise: 5, couldFall: -4, failed: 0, asked: 3, ttl: 600 })
})

test('without zones nothing is asked and nothing is open', () => {
  const finding = new DnsblRank([], bounds).finding()
  assert.deepEqual(finding, { rank: 0, list: null, couldRise: 0, couldFall: 0, failed: 0, asked: 0, ttl: 600 })
})

test('weights add up, and the public name of the heaviest list is given', () => {
  const [a, b, c, d] = zones('key.a.example*2', 'key.b.example*3', 'good.example*-4', 'd.example*9')
  assert.ok(a && b && c && d)
  const rank = new DnsblRank([a, { ...b, name: 'b.example' }, c, d], bounds)
  rank.answer(0, answers('127.0.0.2'))
  assert.deepEqual(
    { ...rank.finding(), ttl: 0 },
    { rank: 2, list: 'key.a.example', couldRise: 12, couldFall: -4, failed: 0, asked: 4, ttl: 0 },
  )
  rank.answer(1, answers('127.0.0.3'))
  rank.answer(2, answers('127.0.0.4'))
  rank.answer(3, absent)
  assert.deepEqual(rank.finding(), {
    rank: 1,
    list: 'b.example',
    couldRise: 0,
    couldFall: 0,
    failed: 0,
    asked: 4,
    ttl: 300,
  })
})

test('a list of good clients is never the list that is named', () => {
  const rank = new DnsblRank(zones('good*-4'), bounds)
  rank.answer(0, answers('127.0.0.2'))
  assert.deepEqual([rank.finding().rank, rank.finding().list], [-4, null])
})

test('one domain with two patterns: each adds its weight once, however many answers match', () => {
  const rank = new DnsblRank(zones('bl*2', 'bl=127.0.0.[2;4..8]*3', 'bl=127.0.0.9*7'), bounds)
  for (const i of [0, 1, 2]) rank.answer(i, answers('127.0.0.2', '127.0.0.4', '127.0.0.5'))
  assert.deepEqual([rank.finding().rank, rank.finding().asked], [5, 1])
})

test('an error without a listing is a failed list; with a listing it is a listing', () => {
  const rank = new DnsblRank(zones('a', 'b', 'c=127.0.0.4', 'd', 'e'), bounds)
  rank.answer(0, answers('127.255.255.254'))
  rank.answer(1, answers('127.0.0.2', '127.0.0.1'))
  rank.answer(2, answers('127.0.0.2', '192.0.2.1'))
  rank.answer(3, failed)
  rank.answer(4, answers())
  const { rank: sum, failed: count, couldRise } = rank.finding()
  assert.deepEqual([sum, count, couldRise], [1, 3, 0])
})

test('a domain that failed counts once', () => {
  const rank = new DnsblRank(zones('a', 'a=127.0.0.4', 'b'), bounds)
  rank.answer(0, failed)
  rank.answer(1, failed)
  rank.answer(2, absent)
  assert.deepEqual([rank.finding().failed, rank.finding().asked], [1, 2])
})

test('the ttl is the shortest of the answers, within the bounds; of a refusal it is not taken', () => {
  const ttlOf = (...ttls: number[]) => {
    const rank = new DnsblRank(zones('a=127.0.0.4', 'b'), bounds)
    rank.answer(0, { kind: 'answers', addresses: ttls.map(ttl => ({ address: '127.0.0.2', ttl })) })
    rank.answer(1, { kind: 'answers', addresses: [{ address: '127.255.255.254', ttl: 61 }] })
    return rank.finding().ttl
  }
  assert.deepEqual([ttlOf(), ttlOf(900, 300, 500), ttlOf(5), ttlOf(86_400)], [600, 300, 60, 3600])
})

test('the first result stands', () => {
  const rank = new DnsblRank(zones('a*2'), bounds)
  rank.answer(0, failed)
  const before = rank.finding()
  rank.answer(0, answers('127.0.0.2'))
  assert.deepEqual(rank.finding(), before)
})

test('an answer to a zone that is not there is our own fault', () => {
  assert.throws(() => new DnsblRank(zones('a'), bounds).answer(1, absent), RangeError)
})

test('any order of answers: the rank stays within what was said to be possible, and ends the same', () => {
  const result = fc.constantFrom(
    absent,
    failed,
    answers('127.0.0.2'),
    answers('127.255.255.254'),
    answers('127.0.0.2', '127.0.0.4'),
  )
  const weight = fc.integer({ min: -9, max: 9 }).filter(n => n !== 0)
  const entries = fc.uniqueArray(fc.tuple(fc.nat(9), weight, result), { selector: ([id]) => id, minLength: 1 })
  const orders = entries.chain(list =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length })),
  )
  fc.assert(
    fc.property(orders, ([list, order]) => {
      const sites = zones(...list.map(([id, w]) => `z${id}*${w}`))
      const rank = new DnsblRank(sites, bounds)
      const inOrder = new DnsblRank(sites, bounds)
      list.forEach(([, , found], i) => {
        inOrder.answer(i, found)
      })
      for (const i of order) {
        const before = rank.finding()
        rank.answer(i, list[i]?.[2] ?? failed)
        const after = rank.finding()
        assert.ok(after.rank + after.couldRise <= before.rank + before.couldRise)
        assert.ok(after.rank + after.couldFall >= before.rank + before.couldFall)
      }
      assert.deepEqual(rank.finding(), inOrder.finding())
      assert.deepEqual([rank.finding().couldRise, rank.finding().couldFall], [0, 0])
    }),
  )
})
