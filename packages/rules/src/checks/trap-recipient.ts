import { check, fail, failBefore, todo } from '../check.ts'
import { day } from '../duration.ts'

/**
 * An address that nobody has, and that only stands where those find it who collect addresses (spamd's SPAMTRAP). Whoever asks for one is
 * held to it for a day at every gate that shares the store. Who comes again meanwhile is not held for longer: an honest sender
 * that was misled tries again for some days, and its mail is only late.
 */
export const trapRecipient = check({
  name: 'trap-recipient',
  about:
    'The client asked for a recipient that is a trap (`trap_recipients`), in this session or in the day before it.',
  mistakes:
    'Whoever writes to an old address that was made a trap; forwarders of such mail. Only addresses that never were in use are traps.',
  // Who has asked for none yet may still do so.
  source: 'the spamtraps of spamd(8), 24 h; SpamTrapHandler of James',
  settles: 'command',
  action: 'defer',
  again: null,
  points: 10,
  ttl: 0,
  offenceTtl: day,
  options: {},
  words: { enhanced: '7.1', text: 'Service unavailable' },
  test({ trapRecipient, wasTrapped, sender }) {
    // Who bounces a message, or asks whether its sender exists, was sent there by whoever wrote that.
    if (trapRecipient !== null && sender === '') return failBefore(`RCPT TO:<${trapRecipient}>`)
    if (trapRecipient !== null) return fail(`RCPT TO:<${trapRecipient}>`)
    return wasTrapped ? failBefore('asked for a trap lately') : todo
  },
})
