import assert from 'node:assert/strict'
import { MessageReader } from '@sallyport/proxy/smtp/message.js'

/** A message as a strict reader has it: the content with its dots unstuffed, and the place behind its end. */
export interface Message {
  readonly content: string
  readonly behind: number
}

/** Reads as RFC 5321 4.1.1.4 and 4.5.2 have it: lines end in CRLF and in nothing else. null: the end has not come. */
export function readStrictly(text: string): Message | null {
  let content = ''
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return null
    const line = text.slice(at, end)
    at = end + 2
    if (line === '.') return { content, behind: at }
    content += `${line.startsWith('.') ? line.slice(1) : line}\r\n`
  }
}

/** What the gate makes of a content: newlines that were bare become CRLF, then NULs go. */
export const normalised = (content: string): string => content.replace(/\r\n|\r|\n/g, '\r\n').replaceAll('\0', '')

/** Lines of nothing but a dot, NULs aside, that a strict reader takes for no end: how many, and the first with its newlines, one NUL of several. */
export function loneDots(text: string): { readonly count: number; readonly first: string | null } {
  let count = 0
  let first: string | null = null
  let before = '\r\n'
  let at = 0
  for (const found of text.matchAll(/\r\n|\r|\n/g)) {
    const line = text.slice(at, found.index)
    at = found.index + found[0].length
    const isEnd = line === '.' && before === '\r\n' && found[0] === '\r\n'
    // A CR at the end of what has come may be half of a CRLF.
    const isOpen = found[0] === '\r' && at === text.length
    if (line.replaceAll('\0', '') === '.' && !isEnd && !isOpen) {
      count++
      first ??= `${before}${line.replaceAll(/\0+/g, '\0')}${found[0]}`
    }
    before = found[0]
  }
  return { count, first }
}

/** Servers that find more ends of lines than there are, with NULs or without. */
const gullible: readonly RegExp[] = [/\r\n|\r|\n/, /\r?\n/, /\n\r?/, /\r\n?/, /\n/, /\r/]

/** The places behind each end of data that some gullible server finds. */
export function gullibleEnds(text: string): readonly number[] {
  const ends = new Set<number>()
  for (const newline of gullible) {
    const search = new RegExp(newline, 'g')
    let at = 0
    for (let found = search.exec(text); found !== null; found = search.exec(text)) {
      if (text.slice(at, found.index).replace(/\0|\r|\n/g, '') === '.') ends.add(found.index + found[0].length)
      at = found.index + found[0].length
    }
  }
  return [...ends].sort((a, b) => a - b)
}

/** What no server can misread: every newline is CRLF, there is no NUL, and every reader finds the end at the end. */
export function assertOneEnd(text: string, what: string): void {
  assert.doesNotMatch(text, /\0|\r(?!\n)|(?<!\r)\n/, what)
  const length = text.length
  // A server for which LF alone or CR alone ends a line finds the same end, an octet sooner or later.
  assert.deepEqual(
    gullibleEnds(text).filter(end => end < length - 1),
    [],
    what,
  )
}

/** The gate's reader over the octets in pieces cut at `cuts`, ascending. */
export function readThrough(
  text: string,
  cuts: readonly number[],
  reader = new MessageReader(),
): { out: string; rest: string | null } {
  const octets = Buffer.from(text, 'latin1')
  const out: string[] = []
  let from = 0
  for (const to of [...cuts, octets.length]) {
    const chunk = octets.subarray(from, to)
    const pieces: Uint8Array[] = []
    const end = reader.read(chunk, pieces)
    for (const piece of pieces) out.push(Buffer.from(piece).toString('latin1'))
    if (reader.ended) return { out: out.join(''), rest: text.slice(from + end) }
    from = to
  }
  return { out: out.join(''), rest: null }
}

/** The property: whatever comes, and however it is cut, the backend sees the message that the client sent, and one end. */
export function checkMessage(text: string, cuts: readonly number[]): void {
  const what = `${JSON.stringify(text)} cut at ${JSON.stringify(cuts)}`
  const sent = readStrictly(text)
  const reader = new MessageReader()
  const { out, rest } = readThrough(text, cuts, reader)
  const lone = loneDots(sent === null ? text : text.slice(0, sent.behind))
  assert.deepEqual({ count: reader.loneDots, first: reader.firstLoneDot }, lone, `${what}: dots alone`)
  if (sent === null) {
    assert.equal(rest, null, `${what}: an end that was not sent`)
    // What is on its way so far is the beginning of the same message.
    const whole = readStrictly(`${text}\r\nA\r\n.\r\n`)
    if (whole !== null) assertPrefix(out, normalised(whole.content), what)
    return
  }
  assert.equal(rest, text.slice(sent.behind), `${what}: what lies behind the end`)
  const given = `${out}.\r\n`
  const heard = readStrictly(given)
  assert.deepEqual(heard, { content: normalised(sent.content), behind: given.length }, what)
  assertOneEnd(given, what)
  assert.equal(reader.size, sent.content.replaceAll('\r\n', '12').replaceAll('\0', '').length, `${what}: size`)
}

function assertPrefix(out: string, content: string, what: string): void {
  assert.doesNotMatch(out, /\0|\r(?!\n)|(?<!\r)\n/, what)
  const unstuffed = out.replace(/(^|\r\n)\./g, '$1')
  assert.ok(content.startsWith(unstuffed), `${what}: ${JSON.stringify(out)} is not the beginning of the message`)
}

/** Every text over `alphabet` of exactly this length. */
export function* texts(alphabet: readonly string[], length: number): Generator<string> {
  if (length === 0) {
    yield ''
    return
  }
  for (const text of texts(alphabet, length - 1)) for (const letter of alphabet) yield text + letter
}
