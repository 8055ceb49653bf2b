import { check, fail, pass, todo } from '../check.ts'
import { day } from '../duration.ts'

/**
 * Only the fact and its weight are decided here. Whatever the action, a bare newline never ends a message: it is normalised
 * or the message refused (`message.bare_newline`), see smtp/message.ts in the proxy.
 */
export const bareNewline = check({
  name: 'bare-newline',
  about: 'Lines ended in a LF or a CR alone (RFC 5321 2.3.8).',
  mistakes: 'Scripts and appliances that speak SMTP by hand; honest but sloppy. Hence a few points only.',
  source: 'RFC 5321 2.3.8; the bare newline test of postscreen(8)',
  settles: 'command',
  action: 'score',
  again: null,
  points: 1,
  ttl: 30 * day,
  options: {},
  words: { enhanced: '5.2', text: 'Bare newline received' },
  test(facts) {
    if (facts.bareNewlines > 0) return fail(`after ${facts.bareNewlineAfter ?? 'CONNECT'}`)
    return facts.enveloped ? pass : todo
  },
})
