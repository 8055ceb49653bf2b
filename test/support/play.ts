import assert from 'node:assert/strict'
import type { TlsInfo } from '@sallyport/proxy/session/arrival.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { sessionLine, verdictOf } from '@sallyport/proxy/session-line.js'
import { printable } from '@sallyport/proxy/smtp/octets.js'
import { checks, lessonOf, type Policy, questions, spfResults, type Verdict } from '@sallyport/rules'
import { addressOf } from './address.ts'
import { arrivalOf } from './arrival.ts'
import { type HouseOptions, makeHouse } from './house.ts'
import { reverseNameOf } from './name.ts'
import { blockedOf, recalledOf, reputeOf } from './recalled.ts'
import { type Deed, Recorder } from './recorder.ts'
import { inputs, octetsOf, outputs, type Row, results, type Transcript } from './transcript.ts'

/** How a client's octets reach the session: as the rows have them, one by one, or as `cut` says. */
export type Cut = (octets: Buffer) => readonly Buffer[]
export const whole: Cut = octets => [octets]
export const byteByByte: Cut = octets => Array.from(octets, (_, i) => octets.subarray(i, i + 1))

/** Plays a transcript and fails on the first difference. Afterwards octets still come in, as they may on a real socket. */
export function play(transcript: Transcript, cut: Cut): void {
  played(transcript, cut)
}

/** The same, and gives the session. */
export function played(transcript: Transcript, cut: Cut): Session {
  const recorder = new Recorder()
  const session = open(transcript, recorder)
  const story = new Map<string, string>()
  recorder.now = 0
  session.start(0)
  const rows = transcript.rows
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as Row
    if (!inputs.has(row.what)) {
      if (results.has(row.what)) story.set(row.what, row.text)
      continue
    }
    let octets = octetsOf(row)
    while ((row.what === 'C|' || row.what === 'C~' || row.what === 'C:') && rows[i + 1]?.what === 'C|')
      octets = Buffer.concat([octets, octetsOf(rows[++i] as Row)])
    advance(session, recorder, row.at)
    feed(session, recorder, row, octets, cut)
  }
  advance(session, recorder, rows.at(-1)?.at ?? 0)
  compare(transcript, recorder)
  const logged = JSON.parse(story.get('logged') ?? '{}') as Record<string, unknown>
  story.delete('logged')
  for (const [field, wanted] of Object.entries(logged)) {
    const line: unknown = JSON.parse(JSON.stringify(sessionLine(session)))
    const found = field
      .split('.')
      .reduce((value, key) => (value as Readonly<Record<string, unknown>> | null)?.[key] ?? null, line)
    assert.deepEqual(found, wanted, `${transcript.name}: logged ${field}`)
  }
  for (const [result, wanted] of story) {
    assert.equal(resultOf[result]?.(session, recorder), wanted, `${transcript.name}: ${result}`)
  }
  trail(transcript, session, recorder)
  return session
}

function open({ settings }: Transcript, recorder: Recorder): Session {
  const list = (key: string) =>
    settings
      .get(key)
      ?.split(',')
      .map(item => item.trim())
  const keywords = list('keywords')
  const recipientDomains = list('domains')
  const options: HouseOptions = {
    policy: policyOf(settings.get('policy') ?? '{}'),
    lists: settings.get('lists') === 'true',
    asks: (list('asks') ?? []).map(question => oneOf(question, questions)),
    ...(keywords && { keywords: keywords.filter(keyword => keyword !== '') }),
    ...(recipientDomains && { recipientDomains }),
    traps: list('traps') ?? [],
    xclient: settings.get('xclient') === 'true',
    routes: new Map(list('routes')?.map(route => route.split('=', 2) as [string, string])),
    connect: oneOf(settings.get('connect') ?? 'rcpt', ['rcpt', 'mail', 'greeting']),
    auth: oneOf(settings.get('auth') ?? 'tls', ['tls', 'always', 'never']),
    ...(list('verbs') && { verbs: list('verbs') ?? [] }),
    withhold: list('withhold') ?? [],
    ...(settings.has('trap') && { trap: JSON.parse(settings.get('trap') ?? '') as NonNullable<HouseOptions['trap']> }),
    shed: Number(settings.get('shed') ?? 0),
    bareNewline: settings.get('bare_newline') === 'refuse' ? 'refuse' : 'normalise',
    waits: JSON.parse(settings.get('waits') ?? '{}') as Record<string, number>,
    commands: Number(settings.get('commands') ?? 1000),
  }
  const arrival = arrivalOf(settings.get('client') ?? '192.0.2.1', {
    server: settings.has('server') ? addressOf(settings.get('server') ?? '') : null,
    access: oneOf(settings.get('access') ?? 'none', ['none', 'allow', 'deny']),
    dice: Number(settings.get('dice') ?? 0.5),
    greetWait: Number(settings.get('wait') ?? 6000),
    disarmed: new Set(checks.map(({ name }) => name).filter(name => list('disarmed')?.includes(name))),
    health: settings.get('health') === 'true',
    starttls: oneOf(settings.get('starttls') ?? 'off', ['off', 'offered', 'required', 'pass_through']),
    tls: settings.has('tls') ? tlsOf(settings.get('tls') ?? '') : null,
  })
  recorder.traps = Number(settings.get('traps') ?? 0)
  recorder.servers = Number(settings.get('servers') ?? 1) - 1
  return new Session(makeHouse(options), arrival, recorder, 0)
}

const policies = new Map<string, Policy>()

/** The same object for the same text, so that its plans are made once for the forty ways in which a transcript is played. */
function policyOf(text: string): Policy {
  const policy = policies.get(text) ?? (JSON.parse(text) as Policy)
  policies.set(text, policy)
  return policy
}

function oneOf<const Word extends string>(text: string, words: readonly Word[]): Word {
  const found = words.find(word => word === text)
  assert.ok(found !== undefined, `none of ${words.join(', ')}: ${text}`)
  return found
}

function tlsOf(text: string): TlsInfo {
  const [version = '', cipher = '', serverName = null] = text.split(' ')
  return { version, cipher, serverName }
}

function advance(session: Session, recorder: Recorder, to: number): void {
  for (let turns = 0; session.deadline <= to; turns++) {
    assert.ok(turns < 1000, 'deadlines without end')
    const at = Math.max(recorder.now, session.deadline)
    recorder.now = at
    session.timeout(at)
  }
  recorder.now = to
}

function feed(session: Session, recorder: Recorder, { at, what, text, line }: Row, octets: Buffer, cut: Cut): void {
  const fields = new Map(text.split(' ').map(field => field.split('=', 2) as [string, string]))
  const count = (key: string, otherwise: number) => Number(fields.get(key) ?? otherwise)
  switch (what) {
    case 'C:':
    case 'C~':
    case 'C|':
      for (const piece of cut(octets)) session.receive(piece, at)
      return
    case 'B<':
    case 'B~':
      for (const piece of cut(octets)) session.backend(piece, at)
      return
    case 'known':
      return session.answer({ ask: 'identity', repute: reputeOf(text) }, at)
    case 'recalled':
      return session.answer(recalledOf(fields), at)
    case 'blocked':
      return session.answer(blockedOf(fields), at)
    case 'listed': {
      const [list, asked] = [fields.get('list') ?? null, count('asked', 1)]
      const finding = {
        rank: count('rank', 0),
        list,
        couldRise: count('rise', 0),
        couldFall: count('fall', 0),
        failed: count('failed', 0),
        asked,
        ttl: count('ttl', 300),
      }
      return session.answer({ ask: 'dnsbl', finding }, at)
    }
    case 'named':
      return session.answer({ ask: 'reverse-name', name: reverseNameOf(text) }, at)
    case 'hello-name': {
      const found = oneOf(text.split(' ')[0] ?? '', ['found', 'none', 'failed'])
      return session.answer({ ask: 'hello-name', hello: fields.get('of') ?? session.facts.hello ?? '', found }, at)
    }
    case 'sender-domain': {
      const found = oneOf(text.split(' ')[0] ?? '', ['found', 'none', 'null-mx', 'private', 'failed'])
      return session.answer({ ask: 'sender-domain', sender: fields.get('of') ?? session.facts.sender ?? '', found }, at)
    }
    case 'spf': {
      const finding = {
        result: oneOf(text.split(' ')[0] ?? '', spfResults),
        domain: fields.get('domain') ?? '',
        identity: session.facts.sender === '' ? ('helo' as const) : ('mailfrom' as const),
        mechanism: fields.get('mechanism') ?? null,
        problem: null,
        explanation: null,
      }
      const about = {
        sender: fields.get('of') ?? session.facts.sender ?? '',
        hello: fields.get('helo') ?? session.facts.hello ?? '',
      }
      return session.answer({ ask: 'spf', ...about, finding }, at)
    }
    case 'opened': {
      const tls = oneOf(fields.get('tls') ?? 'off', ['off', 'opportunistic', 'required'])
      return session.opened({ xclient: session.house.xclient, tls }, at)
    }
    case 'rated':
      return session.answer({ ask: 'rate', over: text === '' ? null : text }, at)
    case 'grey':
      return session.answer(
        { ask: 'greylist', tuple: text.slice(text.indexOf(' ') + 1), wait: Number(text.split(' ')[0]) },
        at,
      )
    case 'secured':
      if (text === 'backend') return session.backendSecured(at)
      return session.secured(tlsOf(text.replace('client ', '')), at)
    case 'gone':
      return session.backendGone(text, at)
    case 'end':
      return session.end(at)
    case 'broken':
      return session.broken(at)
    case 'full':
      recorder.isFull = true
      return
    case 'taken':
      recorder.isFull = false
      return session.resume(at)
    case 'drain':
      return session.drain(at)
    case 'time':
      return
    default:
      throw new Error(`line ${line}: ${what}`)
  }
}

const resultOf: Readonly<Record<string, (session: Session, recorder: Recorder) => string>> = {
  verdict: verdictText,
  why: session => printable(upshotOf(session).cause?.why ?? 'nothing', 200),
  learnt: learntText,
  ending: endingText,
  messages: messagesText,
  reached: (_, recorder) => recorder.reachedAs.join(', '),
  replied: (_, recorder) => recorder.waits.join(' '),
  spent: (_, recorder) => String(recorder.spent),
}

const sides: Readonly<Record<string, Deed['kind']>> = { 'S:': 'S:', 'S~': 'S:', 'B>': 'B>', 'B]': 'B>' }

function compare({ name, rows }: Transcript, recorder: Recorder): void {
  const wanted = new Recorder()
  for (const row of rows) {
    if (!outputs.has(row.what)) continue
    wanted.now = row.at
    const side = sides[row.what]
    const text = octetsOf(row).toString('latin1')
    if (side === 'S:') wanted.send(text)
    else if (side === 'B>') wanted.command(text)
    else wanted.deeds.push({ at: row.at, kind: row.what as Deed['kind'], text: row.text })
  }
  const show = (deed: Deed) => `@${deed.at} ${deed.kind} ${JSON.stringify(deed.text)}`
  assert.deepEqual(recorder.deeds.map(show), wanted.deeds.map(show), name)
}

const upshotOf = ({ journal, tally }: Session): Verdict => journal.upshot(tally.verdict)

function verdictText(session: Session): string {
  const { cause } = upshotOf(session)
  return cause === null ? verdictOf(session) : `${verdictOf(session)} ${cause.check}`
}

function learntText(session: Session): string {
  const lesson = lessonOf(session.plan, session.tally)
  if (lesson === null) return 'nothing'
  return [...Object.keys(lesson.passed), ...Object.keys(lesson.failed).map(failed => `!${failed}`)].join(' ')
}

function endingText({ journal }: Session): string {
  return journal.detail === '' ? `${journal.ending}` : `${journal.ending}: ${journal.detail}`
}

function messagesText({ journal }: Session): string {
  const counts = (['accepted', 'deferred', 'refused', 'aborted'] as const).map(kind => [kind, journal[kind]] as const)
  const said = counts.filter(([, count]) => count > 0).map(([kind, count]) => `${kind}=${count}`)
  return said.join(' ') || 'none'
}

/** Whatever still comes after the end changes nothing. */
function trail({ name }: Transcript, session: Session, recorder: Recorder): void {
  if (!session.isDone) return
  assert.equal(recorder.conclusions, 1, `${name}: concluded once`)
  const before = recorder.deeds.length
  const later = recorder.now + 1
  session.receive(Buffer.from('RSET\r\nMAIL FROM:<a@b>\r\n.\r\n'), later)
  session.backend(Buffer.from('250 ok\r\n'), later)
  session.answer(recalledOf(new Map()), later)
  session.answer(blockedOf(new Map([['failed', 'trap-recipient']])), later)
  session.backendGone('late', later)
  session.timeout(later + 100_000_000)
  session.drain(later)
  session.end(later)
  session.broken(later)
  assert.equal(recorder.deeds.length, before, `${name}: a session that is over stays over`)
}
