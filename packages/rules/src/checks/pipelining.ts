import { check, fail, pass, todo } from '../check.ts'
import { day } from '../duration.ts'

/**
 * It is the server's turn from the end of a command to the end of its reply. Groups of commands are legal where PIPELINING
 * was offered, and then only as RFC 2920 3.1 has it: EHLO, DATA, VRFY, EXPN, NOOP and QUIT end a group. Commands that came
 * in one read are certain; a client whose impatience arrives just after our reply cannot be told from a fast one, and is not.
 */
export const pipelining = check({
  name: 'pipelining',
  about: 'The client sent more before it had our reply, where RFC 2920 says that it must wait.',
  mistakes: 'Old home-made senders and some cameras and copiers. They pass when they come back and wait.',
  source: 'RFC 2920 3.1; the pipelining test of postscreen(8), `smtp_enforce_sync` of Exim',
  settles: 'command',
  action: 'defer',
  again: 'refuse',
  points: 5,
  ttl: 30 * day,
  options: {},
  words: { enhanced: '5.1', text: 'Protocol error' },
  test(facts) {
    if (facts.aheadAfter !== null) return fail(`did not wait after ${facts.aheadAfter}`)
    return facts.enveloped ? pass : todo
  },
})
