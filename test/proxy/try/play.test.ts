import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictOf } from '@sallyport/proxy/session-line.js'
import { playScript } from '@sallyport/proxy/try/house.js'
import { parseScript } from '@sallyport/proxy/try/script.js'
import { playedText } from '@sallyport/proxy/try/show.js'
import { noRepute } from '@sallyport/rules'
import { stopwatch } from '../../support/stopwatch.ts'
import { configWith, envelope as mail, message, tried } from '../../support/try.ts'

/** What is said to the client, and the end, of a script under some settings. */
function played(settings: string, rows: readonly string[]) {
  const result = tried(settings, rows)
  const heard = result.spoken.filter(({ who }) => who === 'gate').map(({ at, text }) => `${at} ${text}`)
  return { ...result, heard, verdict: verdictOf(result.session) }
}

test('a client that waits for each reply gets through once the pause is over', () => {
  const { heard, verdict, session, unsaid } = played('', ['keywords: SIZE 1000', ...mail, ...message])
  assert.deepEqual(heard, [
    '0 220-mx.example.test ESMTP',
    '6000 220 mx.example.test ESMTP',
    '6000 250-mx.example.test',
    '6000 250 SIZE 1000',
    '6000 250 2.1.0 Ok',
    '6000 250 2.1.5 Ok',
    '6000 354 End data with <CR><LF>.<CR><LF>',
    '6000 250 2.0.0 Ok: queued as TRY',
    '6000 221 2.0.0 Bye',
  ])
  assert.deepEqual([verdict, session.journal.accepted, unsaid.length], ['passed', 1, 0])
})

test('one that talks before the greeting, and two rows in one read', () => {
  const { heard, verdict } = played('', ['@1200 C: EHLO a.example', 'C| MAIL FROM:<>', 'C: RCPT TO:<b@example.com>'])
  assert.equal(verdict, 'deferred')
  assert.equal(heard.at(-1), '1200 450 4.5.1 Protocol error, try again later; ref=REF')
})

test('a trap of two minutes is over at once', () => {
  const took = stopwatch()
  const rows = ['@5 C: EHLO a.example', ...mail.slice(1), 'C: QUIT']
  const { session, verdict, spoken } = played(
    'checks: { pregreet: { action: trap } }\ntrap: { wait: 120s, piece: 1 }',
    rows,
  )
  assert.ok(took() < 1_000)
  assert.equal(verdict, 'trapped')
  assert.ok(session.journal.endedAt - session.startedAt > 60_000)
  const reply = spoken.find(({ text }) => text.startsWith('550'))
  assert.ok(reply !== undefined && reply.until - reply.at === (reply.text.length + 1) * 1_000, JSON.stringify(reply))
})

test('a message that hides another is refused at its end, and told by the octets that hid it', () => {
  const { heard, session } = played('', [...mail, 'C: DATA', 'C~ text\\n.\\r\\nMAIL FROM:<b@b.example>\\r\\n', 'C: .'])
  assert.equal(heard.at(-1), '6000 550 5.5.2 Message contains a bare newline beside a dot; ref=REF')
  assert.deepEqual([verdictOf(session), session.facts.smuggled, session.journal.refused], ['refused', '\n.\r\n', 1])
})

test('the world answers as the script has it', () => {
  const settings = 'dnsbl: { zones: [bl.example.org] }\nchecks: { dnsbl: { action: refuse } }'
  assert.equal(played(settings, ['listed rank=2 list=bl.example.org', ...mail]).verdict, 'refused')
  assert.equal(played(settings, mail).verdict, 'passed')
  assert.equal(played('', ['recalled passed=pregreet', ...mail]).heard[0], '0 220 mx.example.test ESMTP')
  assert.match(played('', ['gone ECONNREFUSED', ...mail]).heard.at(-1) ?? '', /^6000 451 4\.3\.0 /)
  const refused = played('', [
    'B< RCPT 550 5.1.1 No such user',
    'B< RCPT 250 Ok',
    ...mail,
    'C: RCPT TO:<c@example.com>',
  ])
  assert.deepEqual(refused.heard.slice(-2), ['6000 550 5.1.1 No such user', '6000 250 Ok'])
  const spam = played('', ['B< . 550 5.7.1 Spam', ...mail, ...message])
  assert.deepEqual(
    [spam.session.journal.refused, [...(spam.session.journal.heard ?? [])].at(-1)],
    [1, ['dot 550 5.7.1', 1]],
  )
  assert.equal(played('', ['access: deny', ...mail]).verdict, 'dropped')
})

test('what is known of a verified name counts as soon as the name is verified', () => {
  const config = configWith('checks: { reputation: { action: refuse } }')
  const parsed = parseScript(['named mail.example.net', ...mail].join('\n'))
  assert.ok('script' in parsed)
  const verdictWith = (name: string) => {
    const world = { ...parsed.script.world, identities: new Map([[name, { ...noRepute, score: 30 }]]) }
    return verdictOf(playScript(config, { ...parsed.script, world }, 'none', 'REF').session)
  }
  assert.deepEqual(['name:example.net', 'name:example.org'].map(verdictWith), ['refused', 'passed'])
})

test('chunks, STARTTLS, a connection that breaks, and octets as they are written', () => {
  const chunk = played('', ['C: EHLO a.example', ...mail.slice(1), 'C: BDAT 4 LAST', 'C~ a\\r\\nb', 'C: QUIT'])
  assert.equal(chunk.session.journal.accepted, 1)
  assert.equal(played('', ['C: EHLO a.example', 'broken']).session.journal.ending, 'hangup')
  const secured = played('', ['tls: starttls', 'C: EHLO a.example', 'C: STARTTLS', ...mail])
  assert.deepEqual([secured.session.tls?.version, secured.verdict], ['TLSv1.3', 'passed'])
  const bare = played('', ['C~ EHLO a.example\\n', ...mail.slice(1)])
  assert.equal(bare.session.facts.bareNewlines, 1)
})

test('what was not said any more is told with its line', () => {
  const result = played('checks: { access: { action: drop } }', ['access: deny', ...mail])
  assert.deepEqual(
    result.unsaid.map(({ line }) => line),
    [2, 3, 4],
  )
  const text = playedText(result, 0)
  assert.match(text, /-- not said any more: 3 rows, from line 2 on\n/)
  assert.match(text, /^DROPPED by access: on the deny list$/m)
})
