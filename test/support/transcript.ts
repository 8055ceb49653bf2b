import assert from 'node:assert/strict'
import { Session } from '@sallyport/proxy/session/session.js'
import { verdictOf } from '@sallyport/proxy/session-line.js'
import { lessonOf, type Policy } from '@sallyport/rules'
import { type HouseOptions, makeHouse } from './house.ts'
import { type Deed, Recorder } from './recorder.ts'

/**
 * A transcript is a session told in virtual time. Comment lines begin with `#`; then come settings (`key: value`, see
 * `settings` below), an empty line, and rows in order of time: `@ms what text`.
 *
 * What goes in:
 *   C: text         the client sends a line (CRLF is added)
 *   C~ text         the client sends these octets, with the escapes \r \n \0 \\ \xHH
 *   C| text         as C:, in one read together with the C| and C~ row before it (at the same instant)
 *   end             the client closes its side        broken   its connection breaks
 *   recalled passed=a,b failed=c     the store answers
 *   listed rank=2 list=bl.test rise=0 fall=0 failed=0 asked=1 ttl=300     DNS lists answer
 *   named host.example               reverse DNS answers
 *   opened          the connection to the backend stands
 *   B< text         the backend sends a line           B~ text   octets
 *   gone why        the backend's connection is gone   drain     the gate is about to stop
 *   time            nothing happens; deadlines up to here do
 * What must come out, all of it and nothing else, in this order and at this time:
 *   S: text         a line to the client               S~ text   octets
 *   B> text         a line to the backend              B] text   octets
 *   ask x · open · abandon · close
 * At the end, if given:
 *   verdict refused pregreet         the session's verdict and the check that is its cause
 *   learnt pregreet !pipelining      what is remembered: passes, and failures with a !
 */
interface Row {
  readonly line: number
  readonly at: number
  readonly what: string
  readonly text: string
}

export interface Transcript {
  readonly name: string
  readonly settings: ReadonlyMap<string, string>
  readonly rows: readonly Row[]
}

const inputs = new Set([
  'C:',
  'C~',
  'C|',
  'end',
  'broken',
  'recalled',
  'listed',
  'named',
  'opened',
  'B<',
  'B~',
  'gone',
  'drain',
  'time',
])
const outputs = new Set(['S:', 'S~', 'B>', 'B]', 'ask', 'open', 'abandon', 'close'])
const results = new Set(['verdict', 'learnt'])
const known = new Set([
  'client',
  'access',
  'health',
  'wait',
  'policy',
  'lists',
  'keywords',
  'domains',
  'xclient',
  'bare_newline',
  'waits',
  'commands',
  'plays',
])

export function parseTranscript(name: string, text: string): Transcript {
  const settings = new Map<string, string>()
  const rows: Row[] = []
  text.split('\n').forEach((line, i) => {
    const where = `${name}:${i + 1}`
    if (line.trim() === '' || line.startsWith('#')) return
    const row = /^@(\d+) +(\S+)(?: (.*))?$/.exec(line)
    if (row !== null) {
      const what = row[2] ?? ''
      assert.ok(inputs.has(what) || outputs.has(what) || results.has(what), `${where}: no such row: ${what}`)
      const at = Number(row[1])
      assert.ok(at >= (rows.at(-1)?.at ?? 0), `${where}: time goes back`)
      rows.push({ line: i + 1, at, what, text: row[3] ?? '' })
      return
    }
    const setting = /^([a-z_]+): (.*)$/.exec(line)
    assert.ok(setting !== null && rows.length === 0, `${where}: neither a setting nor a row: ${line}`)
    assert.ok(known.has(setting[1] ?? ''), `${where}: no such setting: ${setting[1]}`)
    settings.set(setting[1] ?? '', setting[2] ?? '')
  })
  return { name, settings, rows }
}

/** How a client's octets reach the session: as the rows have them, one by one, or as `cut` says. */
export type Cut = (octets: Buffer) => readonly Buffer[]
export const whole: Cut = octets => [octets]
export const byteByByte: Cut = octets => Array.from(octets, (_, i) => octets.subarray(i, i + 1))

/** Plays a transcript and fails on the first difference. Afterwards octets still come in, as they may on a real socket. */
export function play(transcript: Transcript, cut: Cut): void {
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
    feed(session, row, octets, cut)
  }
  advance(session, recorder, rows.at(-1)?.at ?? 0)
  compare(transcript, recorder)
  if (story.has('verdict')) assert.equal(verdictText(session), story.get('verdict'), `${transcript.name}: verdict`)
  if (story.has('learnt'))
    assert.equal(learntText(session), story.get('learnt'), `${transcript.name}: what is remembered`)
  trail(transcript, session, recorder)
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
    policy: JSON.parse(settings.get('policy') ?? '{}') as Policy,
    lists: settings.get('lists') === 'true',
    ...(keywords && { keywords }),
    ...(recipientDomains && { recipientDomains }),
    xclient: settings.get('xclient') === 'true',
    bareNewline: settings.get('bare_newline') === 'refuse' ? 'refuse' : 'normalise',
    waits: JSON.parse(settings.get('waits') ?? '{}') as Record<string, number>,
    commands: Number(settings.get('commands') ?? 1000),
  }
  const access = settings.get('access') ?? 'none'
  assert.ok(access === 'none' || access === 'allow' || access === 'deny')
  const arrival = {
    id: 'REF',
    client: settings.get('client') ?? '192.0.2.1',
    clientPort: 4567,
    access,
    greetWait: Number(settings.get('wait') ?? 6000),
    health: settings.get('health') === 'true',
  } as const
  return new Session(makeHouse(options), arrival, recorder, 0)
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

function feed(session: Session, { at, what, text, line }: Row, octets: Buffer, cut: Cut): void {
  const fields = new Map(text.split(' ').map(field => field.split('=', 2) as [string, string]))
  const names = (key: string) => (fields.get(key) ?? '').split(',').filter(name => name !== '')
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
    case 'recalled':
      return session.answer({ ask: 'recall', passed: names('passed'), failed: names('failed') }, at)
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
      return session.answer({ ask: 'reverse-name', name: text }, at)
    case 'opened':
      return session.opened(at)
    case 'gone':
      return session.backendGone(text, at)
    case 'end':
      return session.end(at)
    case 'broken':
      return session.broken(at)
    case 'drain':
      return session.drain(at)
    case 'time':
      return
    default:
      throw new Error(`line ${line}: ${what}`)
  }
}

function octetsOf({ what, text }: Row): Buffer {
  const escaped = what === 'C~' || what === 'B~' || what === 'S~' || what === 'B]'
  return Buffer.from(escaped ? octetsWritten(text) : `${text}\r\n`, 'latin1')
}

function octetsWritten(text: string): string {
  return text.replace(/\\(r|n|0|\\|x[0-9a-f]{2})/gi, (_, code: string) => {
    switch (code[0]) {
      case 'r':
        return '\r'
      case 'n':
        return '\n'
      case '0':
        return '\0'
      case '\\':
        return '\\'
      default:
        return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    }
  })
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

function verdictText(session: Session): string {
  const cause = session.tally.verdict.cause
  return cause === null ? verdictOf(session) : `${verdictOf(session)} ${cause.check}`
}

function learntText(session: Session): string {
  const lesson = lessonOf(session.house.plan, session.tally)
  if (lesson === null) return 'nothing'
  return [...Object.keys(lesson.passed), ...Object.keys(lesson.failed).map(failed => `!${failed}`)].join(' ')
}

/** Whatever still comes after the end changes nothing. */
function trail({ name }: Transcript, session: Session, recorder: Recorder): void {
  if (!session.isDone) return
  assert.equal(recorder.conclusions, 1, `${name}: concluded once`)
  const before = recorder.deeds.length
  const later = recorder.now + 1
  session.receive(Buffer.from('RSET\r\nMAIL FROM:<a@b>\r\n.\r\n'), later)
  session.backend(Buffer.from('250 ok\r\n'), later)
  session.answer({ ask: 'recall', passed: [], failed: [] }, later)
  session.backendGone('late', later)
  session.timeout(later + 100_000_000)
  session.drain(later)
  session.end(later)
  session.broken(later)
  assert.equal(recorder.deeds.length, before, `${name}: a session that is over stays over`)
}
