import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import type { Session } from '@sallyport/proxy/session/session.js'
import { type Item, isUnusable } from './client-view.ts'
import { forbidden, type Told } from './told.ts'

/** When a reply of the gate's own is due: only ever for what the client did. `verb`: of a line, or what else it is. */
type Due = (text: string, told: Told, session: Session, verb: string) => boolean

const known = ['EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'BDAT', 'RSET', 'QUIT', 'NOOP', 'VRFY', 'EXPN', 'HELP', 'ETRN']
const unclean = /[\0-\x08\n-\x1f\x7f]/
const bare = /(?<!\r)\n|\r(?!\n)/
/** A CR at the end of a chunk may have its LF in the next. */
const bareInChunk = /(?<!\r)\n|\r(?!\n|$)/

/** MAIL with a path that anybody can read, and SMTPUTF8 behind. */
const asksForUtf8 = /^MAIL FROM:\s*<[^<>"\\]*>(?:[ \t].*)?[ \t]SMTPUTF8(?:[ \t]|$)/i

const isRefused = ({ tally }: Session): boolean => tally.verdict.action !== 'none'
const endsMessage = ['DATA', 'BDAT', 'chunk']

const due: readonly (readonly [words: RegExp, is: Due])[] = [
  [/^500 5\.5\.2 Error: bad syntax/, text => text === '' || unclean.test(text)],
  [/^500 5\.5\.2 Error: line too long/, (text, _, { house }) => text.length > house.limits.commandLine],
  [/^500 5\.5\.2 Error: command not rec/, (_text, _told, _session, verb) => !known.includes(verb)],
  [/^502 /, text => forbidden.test(text)],
  [
    /^502 /,
    (_text, _told, { house }, verb) =>
      verb === 'AUTH' && (house.auth === 'never' || house.withhold.has('AUTH') || !house.offer.has('AUTH')),
  ],
  [
    /^502 /,
    (_text, _told, { house, arrival }, verb) =>
      verb === 'STARTTLS' && (arrival.starttls === 'off' || house.withhold.has('STARTTLS')),
  ],
  // Commands that move no mail are for those who are proven.
  [/^502 /, (_text, _told, _session, verb) => verb === 'EXPN'],
  [/^502 /, (_text, _told, session, verb) => verb === 'ETRN' && (isRefused(session) || session.arrival.health)],
  [
    /^502 /,
    (_text, _told, { hello, arrival }, verb) =>
      ['ETRN', 'STARTTLS'].includes(verb) && (hello === null || arrival.health),
  ],
  [/^501 5\.5\.4 Syntax: (?:EHLO|HELO)/, text => /^\w+[ \t]*$/.test(text)],
  [/^501 5\.5\.4 Syntax: (?:MAIL|RCPT)/, text => !/^(?:MAIL FROM|RCPT TO):<[^"<>\\]*>(?: \S+)*$/i.test(text)],
  [/^501 5\.5\.4 Syntax: STARTTLS/, text => /^STARTTLS[ \t]+[^ \t]/i.test(text)],
  [/^554 5\.5\.1 Error: TLS already active/, (_text, { tls }, _session, verb) => verb === 'STARTTLS' && tls],
  [/^530 /, (_text, { tls }, { arrival }) => arrival.starttls === 'required' && !tls],
  [/^538 /, (_text, { tls }, { house }, verb) => verb === 'AUTH' && !tls && house.auth !== 'always'],
  // Whom the decoy is for tries passwords on nobody.
  [/^535 5\.7\.8 /, (_text, _told, { tally }, verb) => verb === 'AUTH' && tally.verdict.action === 'decoy'],
  [/^503 5\.5\.1 Error: MAIL transaction/, (_text, { mail }, _session, verb) => verb === 'AUTH' && mail !== null],
  [/^503 5\.5\.1 Error: send HELO/, (_text, _told, { hello }) => hello === null],
  [/^503 5\.5\.1 Error: nested MAIL/, (_text, { mail }, _session, verb) => verb === 'MAIL' && mail !== null],
  [
    /^503 5\.5\.1 Error: need MAIL/,
    (_text, { mail }, _session, verb) => mail === null && ['RCPT', ...endsMessage].includes(verb),
  ],
  [/^503 5\.5\.1 Error: need RCPT/, (_text, _told, _session, verb) => endsMessage.includes(verb)],
  [/^554 5\.5\.1 Error: no valid recipients/, (_text, _told, _session, verb) => endsMessage.includes(verb)],
  [
    /^554 5\.7\.1 Relay access denied/,
    (_text, _told, { house }, verb) => verb === 'RCPT' && house.recipientDomains !== null,
  ],
  [/^555 .* PRDR/, text => /[ \t]PRDR/i.test(text)],
  [
    /^553 5\.6\.7 Error: address is not ASCII/,
    (text, { mail }) => /[\x80-\xff]/.test(text) && !asksForUtf8.test(/^MAIL/i.test(text) ? text : (mail ?? '')),
  ],
  [/^553 5\.6\.7 Error: address is not UTF-8/, text => !isUtf8(Buffer.from(text, 'latin1'))],
  [
    /^550 5\.5\.2 Message contains bare newlines/,
    (text, _told, { house }, verb) => verb === 'message' && house.bareNewline === 'refuse' && bare.test(text),
  ],
  [
    /^550 5\.5\.2 Message contains bare newlines/,
    (text, { mail, chunks }, { house }, verb) =>
      verb === 'chunk' &&
      house.bareNewline === 'refuse' &&
      bareInChunk.test(chunks + text) &&
      !/[ \t]BODY=BINARYMIME(?:[ \t]|$)/i.test(mail ?? ''),
  ],
  [
    /^550 5\.6\.0 Message contains NUL/,
    (text, _told, { house }, verb) => verb === 'message' && house.bareNewline === 'refuse' && text.includes('\0'),
  ],
]

/** Fails unless this 5xx of the gate's own is for what the client did, or its verdict. */
export function checkRefusal(item: Item, text: string, session: Session, told: Told): void {
  const { action, cause } = session.tally.verdict
  if (['refuse', 'decoy', 'trap', 'drop'].includes(action) && cause !== null && text.includes(cause.words.text)) return
  if (isUnusable(item) && text.startsWith('501 5.5.4 Syntax: BDAT count')) return
  const [verb, what] =
    item.kind === 'line' ? [item.verb, item.line] : [item.kind, item.kind === 'response' ? item.line : item.content]
  assert.ok(
    due.some(([words, is]) => words.test(text) && is(what, told, session, verb)),
    `5xx that is not due: ${text.trimEnd()} to ${JSON.stringify(item)}`,
  )
}
