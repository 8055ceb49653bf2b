import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Facts,
  judge,
  type Lesson,
  lessonOf,
  makePlan,
  type Policy,
  reputeOf,
  speaksForNetwork,
  standingOf,
  Tally,
  type TeachingWord,
} from '@sallyport/rules'

const day = 86_400

function learnt(policy: Policy, known: Partial<Facts>, passed: string[] = [], failed: string[] = []): Lesson | null {
  const plan = makePlan(policy)
  const tally = new Tally(plan)
  tally.recall(plan, passed, failed)
  judge(Object.assign(new Facts(), known), plan, tally)
  return lessonOf(plan, tally)
}

const good: Partial<Facts> = { greetWait: 6000, greeted: true, hello: 'mail.example', enveloped: true }
const listed = (rank: number, ttl: number): Partial<Facts> => ({
  dnsbl: { rank, list: null, couldRise: 0, couldFall: 0, failed: 0, asked: 1, ttl },
})

test('a good session earns a pass in each check, for that check’s ttl', () => {
  assert.deepEqual(learnt({}, { ...good, ...listed(0, 600) }), {
    passed: {
      pregreet: day,
      dnsbl: 600,
      'helo-syntax': 30 * day,
      pipelining: 30 * day,
      'non-smtp-command': 30 * day,
      'bare-newline': 30 * day,
      commands: 30 * day,
    },
    failed: {},
  })
})

test('a pass of the DNS lists holds for the shorter of their ttl and the operator’s', () => {
  assert.equal(learnt({}, listed(0, 7200))?.passed['dnsbl'], 3600)
  assert.equal(learnt({ checks: { dnsbl: { ttl: 60 } } }, listed(0, 7200))?.passed['dnsbl'], 60)
})

test('a client that only connected teaches nothing', () => {
  assert.equal(learnt({}, {}), null)
})

test('what could not be told is not remembered', () => {
  assert.equal(learnt({}, { greetWait: 0, greeted: true }), null)
})

test('a deferred or refused session earns no pass, only the offence', () => {
  const expected = { passed: {}, failed: { pipelining: day } }
  assert.deepEqual(learnt({}, { ...good, aheadAfter: 'EHLO' }), expected)
  assert.deepEqual(learnt({}, { ...good, aheadAfter: 'EHLO' }, [], ['pipelining']), expected)
  assert.deepEqual(learnt({ offenceTtl: 60 }, { aheadAfter: 'EHLO' })?.failed, { pipelining: 60 })
})

test('a scored failure is an offence, and below the bound the other checks keep their passes', () => {
  const lesson = learnt({ checks: { 'bare-newline': { action: 'score' } } }, { ...good, bareNewlines: 1 })
  assert.deepEqual(lesson?.failed, { 'bare-newline': day })
  assert.equal(lesson?.passed['pipelining'], 30 * day)
  assert.equal(lesson?.passed['bare-newline'], undefined)
})

test('a failure that is only observed is no offence', () => {
  const lesson = learnt({}, { ...good, hello: 'a_b', helloMalformed: true })
  assert.deepEqual(lesson?.failed, {})
  assert.equal(lesson?.passed['helo-syntax'], undefined)
})

test('the deny list is not an offence: it is asked each time', () => {
  assert.equal(learnt({}, { access: 'deny' }), null)
})

test('a pass that is still remembered is not renewed', () => {
  const lesson = learnt({}, good, ['pregreet', 'pipelining'])
  assert.deepEqual(
    [lesson?.passed['pregreet'], lesson?.passed['pipelining'], lesson?.passed['commands']],
    [undefined, undefined, 30 * day],
  )
})

test('a ttl of 0 remembers no pass', () => {
  const lesson = learnt({ checks: { pregreet: { ttl: 0 } } }, good)
  assert.equal(lesson?.passed['pregreet'], undefined)
  assert.equal(lesson?.passed['commands'], 30 * day)
})

test('under a voucher nothing is learnt', () => {
  assert.equal(learnt({}, { ...good, access: 'allow', aheadAfter: 'EHLO' }), null)
  const policy: Policy = { checks: { dnsbl: { action: 'defer', options: { allow: -3 } } } }
  assert.equal(learnt(policy, { ...good, ...listed(-3, 600) }), null)
})

const rcpts = (accepted: number, unknown: number) => ({
  ...(accepted > 0 ? { accepted } : {}),
  ...(unknown > 0 ? { 'unknown user': unknown } : {}),
})

/** Two small faults that add up to so many points and one. */
const small = (points: number): Policy => ({
  checks: { 'bare-newline': { action: 'score', points: 1 }, 'helo-syntax': { action: 'score', points } },
})

test('what a session adds to what is known of its client’s mail', () => {
  const table: readonly (readonly [known: Partial<Facts>, expected: readonly number[] | null, policy?: Policy])[] = [
    [good, null],
    [{ ...good, backend: { mail: {}, rcpt: { accepted: 1 }, dot: { accepted: 1 } } }, [-4, 1, 0, 0]],
    // One connection alone makes nobody trusted.
    [{ ...good, backend: { mail: {}, rcpt: { accepted: 50 }, dot: { accepted: 50 } } }, [-4, 50, 0, 0]],
    [{ ...good, backend: { mail: {}, rcpt: { accepted: 1 }, dot: { content: 1 } } }, [8, 0, 1, 0]],
    [{ ...good, backend: { mail: {}, rcpt: { accepted: 9 }, dot: { accepted: 4, content: 1 } } }, [8, 4, 1, 0]],
    [{ ...good, backend: { mail: {}, rcpt: {}, dot: { content: 99 } } }, [16, 0, 2, 0]],
    [{ ...good, backend: { mail: {}, rcpt: { policy: 9 }, dot: {} } }, [4, 0, 0, 0]],
    // A list may have stale addresses; who knows none of the users guesses.
    [{ ...good, backend: { mail: {}, rcpt: rcpts(0, 2), dot: {} } }, [0, 0, 0, 2]],
    [{ ...good, backend: { mail: {}, rcpt: rcpts(5, 4), dot: { accepted: 1 } } }, [-4, 1, 0, 4]],
    [{ ...good, backend: { mail: {}, rcpt: rcpts(0, 3), dot: {} } }, [3, 0, 0, 3]],
    [{ ...good, backend: { mail: {}, rcpt: rcpts(2, 30), dot: {} } }, [10, 0, 0, 10]],
    // What is no fault of the client's.
    [{ ...good, backend: { mail: {}, rcpt: { quota: 2, temporary: 3, other: 1 }, dot: { size: 1 } } }, null],
    [{ ...good, backend: { mail: { sender: 1 }, rcpt: { 'relay denied': 1 }, dot: { temporary: 1 } } }, null],
    // Checks, with their points; and mail in spite of them earns nothing.
    [{ ...good, aheadAfter: 'EHLO' }, [5, 0, 0, 0]],
    [
      { ...good, bareNewlines: 1, backend: { mail: {}, rcpt: { accepted: 1 }, dot: { accepted: 1 } } },
      [0, 1, 0, 0],
      small(1),
    ],
    [{ ...good, bareNewlines: 1, helloMalformed: true }, [6, 0, 0, 0], small(5)],
    [{ ...good, bareNewlines: 1, helloMalformed: true }, null, small(3)],
    // What only observes has no consequence.
    [{ ...good, helloMalformed: true, backend: { mail: {}, rcpt: {}, dot: { accepted: 1 } } }, [-4, 1, 0, 0]],
    // To judge by the memory does not feed it, and does not keep a client from getting better.
    [
      { ...good, standing: { score: 50, trust: 0, unknown: 0, accepted: 0 } },
      null,
      { checks: { reputation: { action: 'refuse' } } },
    ],
    [
      {
        ...good,
        standing: { score: 6, trust: 0, unknown: 0, accepted: 0 },
        backend: { mail: {}, rcpt: {}, dot: { accepted: 1 } },
      },
      [-4, 1, 0, 0],
    ],
    // A check that acts, and remembers nothing, keeps mail from earning anything.
    [
      { ...good, reverse: { kind: 'none' }, backend: { mail: {}, rcpt: {}, dot: { accepted: 1 } } },
      [0, 1, 0, 0],
      { checks: { 'no-reverse-name': { action: 'score', points: 1 } } },
    ],
    // The operator knows these.
    [{ ...good, access: 'allow', backend: { mail: {}, rcpt: {}, dot: { content: 1 } } }, null],
    [{ ...good, authenticated: true, backend: { mail: {}, rcpt: {}, dot: { content: 1 } } }, null],
  ]
  for (const [known, expected, policy = {}] of table) {
    const plan = makePlan(policy)
    const tally = new Tally(plan)
    const facts = Object.assign(new Facts(), known)
    judge(facts, plan, tally)
    const repute = reputeOf(facts, plan, tally)
    const numbers = repute === null ? null : [repute.score, repute.accepted, repute.content, repute.unknown]
    assert.deepEqual(numbers, expected, JSON.stringify(known))
  }
})

test('one who is trusted loses that by what it sends, though no check is run', () => {
  const plan = makePlan({})
  const tally = new Tally(plan)
  const facts = Object.assign(new Facts(), good, {
    standing: { score: 0, trust: 15, unknown: 0, accepted: 0 },
    reputes: { client: { score: -15, accepted: 20, content: 0, unknown: 0 }, network: null, identity: null },
    backend: { mail: {}, rcpt: {}, dot: { content: 2 } },
  })
  judge(facts, plan, tally)
  assert.match(tally.vouched ?? '', /^trusted/)
  assert.equal(lessonOf(plan, tally), null)
  assert.equal(reputeOf(facts, plan, tally)?.score, 16)
})

test('whose good name is some days old can lose it by one session, and is not suspect by it', () => {
  const plan = makePlan({})
  const scoreBy = (client: number, identity: number, dot: Record<string, number>) => {
    const reputes = {
      client: { score: client, accepted: 9, content: 0, unknown: 0 },
      network: null,
      identity: { score: identity, accepted: 9, content: 0, unknown: 0 },
    }
    const facts = Object.assign(new Facts(), good, {
      reputes,
      standing: standingOf(reputes),
      backend: { mail: {}, rcpt: { policy: 1 }, dot },
    })
    return reputeOf(facts, plan, new Tally(plan))?.score
  }
  assert.equal(scoreBy(-12, 0, { content: 2 }), 16)
  assert.equal(scoreBy(-6, 0, { content: 2 }), 10, 'to 4, and no further')
  assert.equal(scoreBy(0, -15, { content: 2 }), 4, 'nor a new address of a good name')
  assert.equal(scoreBy(-4, 0, { content: 2 }), 20, 'a name of yesterday')
})

test('of words that are disbelieved nothing is learnt, of all others as before', () => {
  const plan = makePlan({})
  const backend = { mail: {}, rcpt: { policy: 1, 'unknown user': 9 }, dot: { content: 1, accepted: 1 } }
  const facts = Object.assign(new Facts(), good, { backend })
  const learnt = (...words: TeachingWord[]) => {
    const repute = reputeOf(facts, plan, new Tally(plan), new Set(words))
    return [repute?.score, repute?.content, repute?.unknown]
  }
  assert.deepEqual(learnt(), [21, 1, 9])
  assert.deepEqual(learnt('content'), [13, 0, 9])
  assert.deepEqual(learnt('policy'), [17, 1, 9])
  assert.deepEqual(learnt('unknown user'), [12, 1, 0])
  assert.deepEqual(learnt('content', 'policy', 'unknown user'), [-4, 0, 0])
})

test('a client tells its network of itself until it is suspect', () => {
  const known = (score: number) => {
    const reputes = { client: { score, accepted: 0, content: 0, unknown: 0 }, network: null, identity: null }
    return speaksForNetwork(Object.assign(new Facts(), { reputes }))
  }
  assert.equal(speaksForNetwork(new Facts()), true)
  assert.deepEqual([-20, 0, 4, 5, 80].map(known), [true, true, true, false, false])
})
