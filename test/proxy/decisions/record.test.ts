import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decisionOf } from '@sallyport/proxy/decisions/decision.js'
import { lineOf, longestLine, readDecision } from '@sallyport/proxy/decisions/decision-line.js'
import { textOf } from '@sallyport/proxy/decisions/decision-text.js'
import { rejudge } from '@sallyport/proxy/decisions/rejudge.js'
import { Facts, factsToRecord } from '@sallyport/rules'
import fc from 'fast-check'
import { played, whole } from '../../support/play.ts'
import { parseTranscript } from '../../support/transcript.ts'

const folder = join(import.meta.dirname, '../../../transcripts')
const transcripts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.smtp'))
  .map(name => parseTranscript(name, readFileSync(join(folder, name), 'utf8')))

test('a session that is judged again by the plan that judged it comes to the same action, from its record alone', () => {
  assert.ok(transcripts.length > 50)
  for (const transcript of transcripts) {
    const session = played(transcript, whole)
    if (!session.isDone) continue
    const line = lineOf(decisionOf(session, 0))
    const read = readDecision(line)
    assert.ok(typeof read !== 'string', `${transcript.name}: ${String(read)}`)
    assert.deepEqual(read, decisionOf(session, 0), transcript.name)
    assert.equal(rejudge(read, session.house.plans).verdict.action, read.action, `${transcript.name}: ${line}`)
  }
})

const someSession = () => {
  const transcript = transcripts.find(({ name }) => name.includes('relay'))
  assert.ok(transcript !== undefined)
  return played(transcript, whole)
}

test('a record is one line of printable ASCII, of 4096 octets at most, whatever was sent', () => {
  const decision = decisionOf(someSession(), 0)
  const text = fc.string({ unit: 'binary', maxLength: 4000 })
  const hostile = fc.record({
    facts: fc.dictionary(fc.constantFrom(...Object.keys(new Facts())), text),
    why: text,
    from: text,
    to: fc.array(text, { maxLength: 5 }),
    outcomes: fc.dictionary(fc.constantFrom('pregreet', 'dnsbl', 'commands'), text),
    reply: text,
  })
  fc.assert(
    fc.property(hostile, sent => {
      const line = lineOf({ ...decision, ...sent })
      assert.match(line, /^[\x20-\x7e]+\n$/)
      assert.ok(line.length <= longestLine)
      assert.ok(typeof readDecision(line) !== 'string')
    }),
  )
})

test('facts come back whole where the record is short enough', () => {
  const facts = Object.assign(new Facts(), { hello: '\0\u00ff\n"\\\u2028', pregreetText: '\x9b31m' })
  const decision = { ...decisionOf(someSession(), 0), facts: factsToRecord(facts) }
  const read = readDecision(lineOf(decision))
  assert.ok(typeof read !== 'string')
  assert.deepEqual(read.facts, decision.facts)
})

test('a line that is no record says what is wrong with it', () => {
  const faults: readonly (readonly [line: string, fault: string])[] = [
    ['{"v":1', 'not JSON'],
    ['[]', 'not an object'],
    ['{"v":2,"id":"a","client":"b"}', 'not a record of version 1'],
    ['{"v":1,"client":"192.0.2.1"}', 'without id or client'],
    ['{"v":1,"id":"a","client":"b","facts":[]}', 'facts is of another kind'],
    ['{"v":1,"id":"a","client":"b","outcomes":{"dnsbl":1}}', 'outcomes is of another kind'],
    ['{"v":1,"id":"a","client":"b","remembered":[1]}', 'remembered is of another kind'],
    ['{"v":1,"id":"a","client":"b","score":"1"}', 'score is of another kind'],
  ]
  for (const [line, fault] of faults) assert.equal(readDecision(line), fault, line)
})

test('of a trapped client it is told what it has heard, and not what it would have', () => {
  const heard = (name: string) => {
    const transcript = transcripts.find(one => one.name.includes(name))
    assert.ok(transcript !== undefined, name)
    return /^ {2}it heard +(.*)$/m.exec(textOf(decisionOf(played(transcript, whole), 0), null))?.[1]
  }
  assert.equal(heard('trap/in-mid-dialogue'), '550')
  assert.equal(heard('trap/octet-by-octet'), 'no refusal: it was gone before one was said')
  assert.match(heard('trap/no-place-for-it') ?? '', /^421 4\.7\.0 /)
  assert.match(heard('trap/held-no-longer') ?? '', /^421 4\.4\.2 /)
})
