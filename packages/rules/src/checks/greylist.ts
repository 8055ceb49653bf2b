import { check, fail, pass, todo, unknown } from '../check.ts'
import { day, hour, minute } from '../duration.ts'

/**
 * Who is suspect is asked to come again: a mail server does, much of the rest does not. The last resort, as it makes mail late. Never for
 * who is trusted, or of whom nothing bad is known; and what the store does not say lets mail in. While it observes nobody is asked:
 * that would be a write to the store for each recipient, and the answer would say nothing, as nobody would have to come again.
 */
export const greylist = check({
  name: 'greylist',
  about: 'A suspect client writes for the first time from here to there, and is asked to come again (greylisting).',
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
    keep: { value: 36 * day, min: hour, max: 365 * day, about: 'Seconds for which it is then let in.' },
  },
  words: { enhanced: '7.1', text: 'Greylisted' },
  test({ recipient }) {
    const grey = recipient?.grey ?? null
    if (grey === null || grey.wait === 'asked') return todo
    if (grey.wait === null) return unknown('the store did not answer')
    return grey.wait > 0 ? fail(`${grey.wait} s to wait`) : pass
  },
})
