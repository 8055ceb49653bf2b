import assert from 'node:assert/strict'
import type { Session } from '@sallyport/proxy/session/session.js'
import type { Item } from './client-view.ts'

const unimplemented = ['AUTH', 'STARTTLS', 'XCLIENT', 'XFORWARD', 'BDAT', 'EXPN', 'ETRN']
const known = [...unimplemented, 'EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT', 'NOOP', 'VRFY', 'HELP']

/** The gate's own 5xx, and when it is due: only ever for what the client did. */
const due: readonly (readonly [text: RegExp, is: (item: Item, session: Session, mail: string | null) => boolean])[] = [
  [
    /^500 5\.5\.2 Error: bad syntax/,
    item => item.kind === 'line' && (item.line === '' || /[\0-\x08\n-\x1f\x7f]/.test(item.line)),
  ],
  [
    /^500 5\.5\.2 Error: line too long/,
    (item, { house }) => item.kind === 'line' && item.line.length > house.limits.commandLine,
  ],
  [/^500 5\.5\.2 Error: command not rec/, item => item.kind === 'line' && !known.includes(item.verb)],
  [/^502 /, item => item.kind === 'line' && unimplemented.includes(item.verb)],
  [/^501 5\.5\.4 Syntax: (?:EHLO|HELO)/, item => item.kind === 'line' && /^\w+[ \t]*$/.test(item.line)],
  [
    /^501 5\.5\.4 Syntax: (?:MAIL|RCPT)/,
    item => item.kind === 'line' && !/^(?:MAIL FROM|RCPT TO):<[^"<>\\]*>(?: \S+)*$/i.test(item.line),
  ],
  [/^503 5\.5\.1 Error: send HELO/, (item, { hello }) => item.kind === 'line' && hello === null],
  [
    /^503 5\.5\.1 Error: nested MAIL/,
    (item, _session, mail) => item.kind === 'line' && item.verb === 'MAIL' && mail !== null,
  ],
  [
    /^503 5\.5\.1 Error: need (?:MAIL|RCPT)/,
    item => item.kind === 'line' && (item.verb === 'RCPT' || item.verb === 'DATA'),
  ],
  [/^554 5\.5\.1 Error: no valid recipients/, item => item.kind === 'line' && item.verb === 'DATA'],
  [
    /^554 5\.7\.1 Relay access denied/,
    (item, { house }) => item.kind === 'line' && item.verb === 'RCPT' && house.recipientDomains !== null,
  ],
  [
    /^550 5\.5\.2 Message contains bare newlines/,
    (item, { house }) =>
      item.kind === 'message' && house.bareNewline === 'refuse' && /(?<!\r)\n|\r(?!\n)/.test(item.content),
  ],
  [
    /^550 5\.6\.0 Message contains NUL/,
    (item, { house }) => item.kind === 'message' && house.bareNewline === 'refuse' && item.content.includes('\0'),
  ],
]

/** `mail`: the MAIL of the transaction in progress. Fails unless this 5xx of the gate's own is for what the client did, or its verdict. */
export function checkRefusal(item: Item, text: string, session: Session, mail: string | null): void {
  const { action, cause } = session.tally.verdict
  if ((action === 'refuse' || action === 'drop') && cause !== null && text.includes(cause.words.text)) return
  assert.ok(
    due.some(([words, is]) => words.test(text) && is(item, session, mail)),
    `5xx that is not due: ${text.trimEnd()} to ${JSON.stringify(item)}`,
  )
}
