import { check, fail, todo } from '../check.ts'
import { day } from '../duration.ts'

/**
 * A line of nothing but a dot whose newlines are not both CRLF is what some servers take for the end of a message, and what follows
 * for the next, of a sender of the attacker's choice. The proxy mends it whatever the action, so that no backend finds an end there
 * (smtp/message.ts); here it is only weighed.
 *
 * Not looked for in the chunks of BDAT: they are counted, no server looks for an end in them (RFC 3030 2), and whoever sends them on
 * by DATA stuffs the dots of lines as it knows them.
 *
 * Road not taken: to refuse who did it in the days after, whatever it sends. It may be a large provider whose servers passed on what
 * one of its users wrote (as those of GMX and Exchange Online did in 2023), and that user would shut out all others.
 */
export const smuggling = check({
  name: 'smuggling',
  about:
    'A message held a line of nothing but a dot whose newlines were not both CR LF: some servers take that for its end, and what ' +
    'follows for another message.',
  mistakes:
    'A program that ends lines in LF alone and does not double the dots at their beginnings, where a message has a line of one dot: ' +
    'a server that takes LF for a newline would have cut it there. A relay that passes on what others wrote.',
  source: 'RFC 5321 4.1.1.4 and 4.5.2; SMTP smuggling (SEC Consult 2023, CVE-2023-51764 and its kin)',
  settles: 'message',
  action: 'refuse',
  again: null,
  points: 10,
  // Who has hidden nothing yet may still do so.
  ttl: 0,
  offenceTtl: 7 * day,
  options: {},
  words: { enhanced: '5.2', text: 'Message contains a bare newline beside a dot' },
  test: ({ smuggled }) => (smuggled === null ? todo : fail(smuggled)),
})
