import { check, fail, pass, todo, unknown } from '../check.ts'
import { day, hour, minute } from '../duration.ts'

/**
 * Who is suspect is asked to come again: a mail server does, much of the rest does not. The last resort, as it makes mail late. Never for
 * who is trusted, of private use, or of whom nothing bad is known; and what the store does not say lets mail in. Who has once come again has
 * shown all that this can show, and is not asked for another sender or recipient: its pass is remembered, under its address and what
 * stands for it (standInsOf). While it observes nobody is asked: that would be a write to the store for each recipient, and the answer would
 * say nothing, as nobody would have to come again.
 *
 * Not taken: only the tuple, as spamd(8) has it: a forwarder, whose SPF fails with each sender anew, would have to come again for each.
 */
export const greylist = check({
  name: 'greylist',
  about:
    'A suspect client that has never come again writes for the first time from here to there, and is asked to (greylisting).',
  mistakes: 'Senders that do not try again, or whose servers share neither a network nor a confirmed name.',
  source: 'spamd(8) -G 25:4:864; RFC 6647',
  settles: 'command',
  scope: 'recipient',
  asks: 'greylist',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {
    score: {
      value: 1,
      min: 1,
      max: 80,
      about: 'The points of reputation from which a client is suspect; one that fails a check with points is, too.',
    },
    delay: { value: 5 * minute, min: 1, max: day, about: 'Seconds until it may come again.' },
    window: { value: 4 * hour, min: minute, max: 30 * day, about: 'Seconds until which it must have come again.' },
    keep: {
      value: 36 * day,
      min: hour,
      max: 365 * day,
      about: 'Seconds after its latest mail for which one that has come again is not asked to, whoever writes to whom.',
    },
  },
  words: { enhanced: '7.1', text: 'Greylisted' },
  test({ recipient, cameAgain }) {
    if (cameAgain) return pass
    const grey = recipient?.grey ?? null
    if (grey === null || typeof grey.wait === 'string') return todo
    if (grey.wait === null) return unknown('the store did not answer')
    return grey.wait > 0 ? fail(`${grey.wait} s to wait; suspect: ${grey.suspicion}`) : pass
  },
})
