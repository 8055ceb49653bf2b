// Every difference that there may be between a Postfix and the gate in front of it, with its reason. The comparison fails for any
// other, and for a pattern here that no dialogue needs.

import type { Difference } from './compare.ts'

/** How a client comes: unknown to the gate; known to it; known to a gate with `connect: greeting`, which opens the backend first. */
export const wayNames = ['stranger', 'known', 'opened'] as const
export type WayName = (typeof wayNames)[number]

export interface Allowed {
  readonly title: string
  /** One or two sentences for docs/transparency.md. */
  readonly reason: string
  readonly ways: readonly WayName[]
  /** Differences that it stands for: of these, any. */
  readonly patterns: readonly Pattern[]
}

export interface Pattern {
  /** Of the theme and sentence of a dialogue, `Hello: EHLO, and QUIT`; left out: of all. */
  readonly dialogue?: RegExp
  readonly at?: RegExp
  readonly direct: RegExp
  readonly gate: RegExp
  /** What the expressions cannot say. */
  readonly also?: (difference: Difference) => boolean
}

export function fits(pattern: Pattern, dialogue: string, difference: Difference): boolean {
  const { at = /^/, direct, gate, also = () => true } = pattern
  return (
    (pattern.dialogue ?? /^/).test(dialogue) &&
    at.test(difference.at) &&
    direct.test(difference.direct) &&
    gate.test(difference.gate) &&
    also(difference)
  )
}

/** The EHLO reply without these keywords, and otherwise the same. */
const offersLess =
  (...keywords: readonly string[]) =>
  ({ direct, gate }: Difference): boolean => {
    const lines = (reply: string) => reply.split('\r\n').map(line => line.slice(4))
    const kept = lines(direct).filter(line => !keywords.includes(line.split(' ')[0] ?? ''))
    return kept.join() === lines(gate).join()
  }

/** The same text but for LF, NUL and CR (of which Postfix makes a space). */
const isOneMessage = ({ direct, gate }: Difference): boolean => {
  const text = (message: string) => message.replaceAll(/[\r\n\0 ]/g, '')
  return text(gate) === text(direct)
}

const ehlo = /^250-mail\.example\.test\r\n250-/
const nothing = /^$/
const mailOk = /^250 2\.1\.0 Ok\r\n$/
const groups = /^Groups of commands|MAIL, RCPT and two chunks in one write/
const bareNewlines = /^Messages \(.*: .*(?:LF|CR|NUL)/
const loneDots = /^Messages \(.*: .*(?:LF \. |CR \. CR)/
const eightBit = /UTF-8 without SMTPUTF8|no UTF-8, with SMTPUTF8/

const everybody: readonly WayName[] = wayNames
/** Those for whom the gate speaks for itself until the first recipient. */
const beforeRcpt: readonly WayName[] = ['stranger', 'known']

export const differences: readonly Allowed[] = [
  {
    title: 'The teaser and the pause',
    reason:
      'A client that nobody knows is shown one line of the greeting and must wait for the other: that is the test.',
    ways: ['stranger'],
    patterns: [
      {
        at: /^\(connected\)$/,
        direct: /^220 mail\.example\.test ESMTP Postfix\r\n$/,
        gate: /^220-mail\.example\.test ESMTP\r\n220 mail\.example\.test ESMTP\r\n$/,
      },
    ],
  },
  {
    title: 'The greeting is the gate’s own',
    reason: 'No backend is open yet when it is said. With `connect: greeting` it is the backend’s.',
    ways: ['known'],
    patterns: [
      {
        at: /^\(connected\)$/,
        direct: /^220 mail\.example\.test ESMTP Postfix\r\n$/,
        gate: /^220 mail\.example\.test ESMTP\r\n$/,
      },
    ],
  },
  {
    title: 'PIPELINING is not offered to strangers',
    reason:
      'Who is not offered it must wait for each reply: not waiting stays a sign. RFC 2920 leaves it to the server.',
    ways: ['stranger'],
    patterns: [{ direct: ehlo, gate: ehlo, also: offersLess('PIPELINING') }],
  },
  {
    title: 'TLS ends at the gate',
    reason: 'So the backend, here on loopback and in the clear, writes ESMTP into its Received line and not ESMTPS.',
    ways: everybody,
    patterns: [
      {
        dialogue: /^STARTTLS/,
        at: /^message$/,
        direct: /with ESMTPS id/,
        gate: /with ESMTP id/,
        also: ({ direct, gate }) => direct.replace('with ESMTPS', 'with ESMTP') === gate,
      },
    ],
  },
  {
    title: 'Who sends a group without having been offered PIPELINING is deferred',
    reason:
      'Groups may come behind the reply to EHLO that offers them (RFC 2920 3.1), and nowhere else; Postfix lets anybody. Known clients that send one behind HELO, or with EHLO, hear the same.',
    ways: everybody,
    patterns: [
      { dialogue: /EHLO|hello and a group in one write/, direct: ehlo, gate: ehlo, also: offersLess('PIPELINING') },
      { dialogue: groups, at: /RCPT/, direct: /^[25]50 /, gate: /^450 4\.5\.1 Protocol error, try again later; ref=/ },
      { dialogue: groups, at: /^log$/, direct: /^smtpd: (?:NOQUEUE: reject|Q\d: client)/, gate: nothing },
    ],
  },
  {
    title: 'Its message, which was not asked for, is not read as commands',
    reason:
      'What comes behind a DATA that was refused is text: the session ends with the first line that is no command.',
    ways: ['stranger'],
    patterns: [
      { dialogue: groups, at: /DATA/, direct: /^(?:354|554) /, gate: /^451 4\.5\.1 / },
      { dialogue: groups, at: / \.$/, direct: /^250 /, gate: /^521 5\.7\.0 This is a mail server/ },
      { dialogue: groups, direct: /^(?:250|221) /, gate: /^\(closed\)$/ },
      { dialogue: groups, direct: /^(?:250|354) /, gate: nothing },
      { dialogue: groups, at: /^log$/, direct: /^(?:qmgr|virtual): /, gate: nothing },
      { dialogue: groups, at: /^message$/, direct: /^Return-Path/, gate: nothing },
      { dialogue: groups, at: /wait 2/, direct: /^250 /, gate: /^451 4\.5\.1 / },
    ],
  },
  {
    title: 'Mail begins with EHLO or HELO, and AUTH with EHLO',
    reason: 'RFC 5321 4.1.1.1 and RFC 4954 3 ask for it; Postfix does only where `smtpd_helo_required` is set.',
    ways: everybody,
    patterns: [
      { dialogue: /no hello at all/, at: /MAIL/, direct: mailOk, gate: /^503 5\.5\.1 Error: send HELO/ },
      { dialogue: /no hello at all/, at: /RCPT/, direct: /^250 2\.1\.5/, gate: /^503 5\.5\.1 Error: need MAIL/ },
      { dialogue: /no hello at all/, at: /^log$/, direct: /^smtpd: Q1: client/, gate: nothing },
      { dialogue: /AUTH before EHLO/, at: /AUTH/, direct: /^235 /, gate: /^503 5\.5\.1 Error: send HELO/ },
      { dialogue: /AUTH before EHLO/, at: /AUTH/, direct: /^503 5\.5\.1 Error: already/, gate: /^235 / },
    ],
  },
  {
    title: 'MAIL is answered before the backend is open',
    reason:
      'The first recipient opens it. What the backend then has against the sender (size, parameters, address) each RCPT hears in the backend’s own words, and DATA is refused as after any recipient that was. With `connect: mail` and `connect: greeting` MAIL is the backend’s to answer.',
    ways: beforeRcpt,
    patterns: [
      { at: /MAIL/, direct: /^5\d\d 5\.\d\.\d /, gate: mailOk },
      { at: /RCPT/, direct: /^503 5\.5\.1 Error: need MAIL/, gate: /^5(?:01|52|55) 5/ },
      { at: /DATA/, direct: /^503 5\.5\.1 Error: need RCPT/, gate: /^554 5\.5\.1 Error: no valid recipients/ },
    ],
  },
  {
    title: 'Errors before the backend is open are told in the gate’s words',
    reason: 'Another text, and now and then another number of the same class; the meaning is the same.',
    ways: beforeRcpt,
    patterns: [
      { at: /EHLO$|HELO$/, direct: /^501 Syntax: /, gate: /^501 5\.5\.4 Syntax: / },
      { at: /MAIL/, direct: /^501 5\.1\.7 Bad sender address syntax/, gate: /^501 5\.5\.4 Syntax: MAIL/ },
      { at: /DATA/, direct: /^503 5\.5\.1 Error: need RCPT/, gate: /^503 5\.5\.1 Error: need MAIL/ },
      { at: /DATA/, direct: /^554 5\.5\.1 Error: no valid/, gate: /^503 5\.5\.1 Error: need RCPT/ },
    ],
  },
  {
    title: 'Questions before the backend is open are answered by the gate',
    reason:
      'Who has a mailbox is not told to a client that has shown nothing of itself (RFC 5321 7.3), and nothing is passed on for it.',
    ways: ['stranger'],
    patterns: [
      { at: /VRFY/, direct: /^(?:252|550|501) /, gate: /^252 2\.5\.0 Cannot verify/ },
      { at: /^log$/, direct: /^smtpd: NOQUEUE: reject: VRFY /, gate: nothing },
      { at: /EXPN/, direct: /^500 5\.5\.2/, gate: /^502 5\.5\.1/ },
      { at: /HELP/, direct: /^500 5\.5\.2/, gate: /^214 2\.0\.0 See RFC 5321/ },
    ],
  },
  {
    title: 'The last hello counts',
    reason: 'After EHLO and HELO the backend is told the HELO only, and writes SMTP where it would have written ESMTP.',
    ways: beforeRcpt,
    patterns: [
      {
        dialogue: /HELO after EHLO/,
        at: /^message$/,
        direct: /with ESMTP id/,
        gate: /with SMTP id/,
        also: ({ direct, gate }) => direct.replace('with ESMTP', 'with SMTP') === gate,
      },
    ],
  },
  {
    title: 'Addresses are ASCII unless SMTPUTF8 was asked for, and then UTF-8',
    reason: 'Two servers may read two addresses in other octets (RFC 6531 3.4). Postfix takes them by default.',
    ways: everybody,
    patterns: [
      {
        dialogue: eightBit,
        at: /wait/,
        direct: /^(?:250 2\.1\.[05] Ok|500 5\.5\.2 Error: bad UTF-8)/,
        gate: /^553 5\.6\.7 /,
      },
      { dialogue: eightBit, at: /^log$/, direct: /^smtpd: Q1: client/, gate: nothing },
    ],
  },
  {
    title: 'Lines that are no commands',
    reason:
      'Front and back must never disagree about where a command ends or how it begins: a control character in it is an error, so is white space before it, a line beyond 2,048 octets is one error for the whole of it, and one that does not begin with a letter, or is a header line, ends the session.',
    ways: everybody,
    patterns: [
      { dialogue: /CR and NUL within/, at: /wait/, direct: /^(?:250|555) /, gate: /^500 5\.5\.2 Error: bad syntax/ },
      { dialogue: /beyond 2,048/, at: /wait/, direct: /^250 /, gate: /^500 5\.5\.2 Error: line too long/ },
      { at: / {2}NOOP/, direct: /^250 /, gate: /^500 5\.5\.2 Error: command not recognized/ },
      { at: /Subject: no command|wait/, direct: /^221 2\.7\.0 Error: I can break/, gate: /^521 5\.7\.0 / },
    ],
  },
  {
    title: 'Chunks outside a transaction are the gate’s to read past',
    reason:
      'Their octets must be counted here in any case, and a chunk that nobody asked for is not sent over. Postfix wants a RSET after one; the gate begins anew with MAIL. A BDAT whose count is none ends the session at both, with 501 (RFC 3030 says nothing) or 521.',
    ways: everybody,
    patterns: [
      { at: /BDAT|wait/, direct: /^521 5\.5\.4 Syntax: BDAT/, gate: /^501 5\.5\.4 Syntax: BDAT/ },
      {
        dialogue: /chunks/,
        at: /wait/,
        direct: /^551 5\.0\.0 Discarded/,
        gate: /^503 5\.5\.1 Error: need (?:MAIL|RCPT)|^554 5\.5\.1/,
      },
      {
        dialogue: /BDAT before MAIL/,
        at: /wait/,
        direct: /^503 5\.5\.1 Error: need RCPT/,
        gate: /^503 5\.5\.1 Error: need MAIL/,
      },
      { dialogue: /BDAT before MAIL/, at: /MAIL/, direct: /^503 5\.5\.1 Error: MAIL after BDAT/, gate: mailOk },
      { dialogue: /BDAT before MAIL/, at: /RCPT/, direct: /^503 5\.5\.1 Error: need MAIL/, gate: /^250 2\.1\.5 Ok/ },
      { dialogue: /BDAT before MAIL/, at: /^log$/, direct: nothing, gate: /^smtpd: Q1: client/ },
    ],
  },
  {
    title: 'One end of data',
    reason:
      'CR LF . CR LF ends a message and nothing else does (CVE-2023-51764 and its kin). This Postfix, set as it was by default until 3.9, ends it at LF . LF and takes what follows for another message. Through the gate a message with a dot beside a bare newline is none at all (`smuggling`); of any other the bare newlines are made CR LF, and NULs taken out.',
    ways: everybody,
    patterns: [
      {
        dialogue: loneDots,
        at: / \.$/,
        direct: /^250 /,
        gate: /^550 5\.5\.2 Message contains a bare newline beside a dot/,
      },
      { dialogue: loneDots, at: /QUIT/, direct: /^221 /, gate: /^\(closed\)$/ },
      { dialogue: loneDots, at: /^\(left\)$/, direct: /^(?:250|354) /, gate: nothing },
      { dialogue: loneDots, at: /^log$/, direct: /^(?:smtpd: Q2|(?:qmgr|virtual): Q\d): /, gate: nothing },
      { dialogue: loneDots, at: /^message$/, direct: /^Return-Path: <(?:sender|forged)/, gate: nothing },
      {
        dialogue: bareNewlines,
        at: /^message$/,
        direct: /^Return-Path: <sender/,
        gate: /^Return-Path: <sender/,
        also: isOneMessage,
      },
    ],
  },
  {
    title: 'XCLIENT, XFORWARD, X-CONNECT, PROXY and TURN do not exist for clients',
    reason: 'They are for the gate to use, or turn the roles round. Postfix refuses them as well, with other words.',
    ways: everybody,
    patterns: [
      { at: /XCLIENT|XFORWARD/, direct: /^(?:550 5\.7\.0|503 5\.5\.1)/, gate: /^502 5\.5\.1 / },
      { at: /X-CONNECT|PROXY|TURN/, direct: /^500 5\.5\.2/, gate: /^502 5\.5\.1 / },
    ],
  },
]
