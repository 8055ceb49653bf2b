import { check, fail, todo } from '../check.ts'

/**
 * Guessing who has a mailbox. What the backend says decides who is unknown (RFC 3463: 5.1.1), so no list of users is needed here. What
 * was counted in earlier sessions, at any gate, counts on, so that to come again resets nothing; but only from the first unknown
 * recipient of this session on, or a client that once guessed could not send its next letter.
 */
export const harvest = check({
  name: 'harvest',
  about:
    'The client asks for recipients that the backend does not know, and for more of them than of those that it knows.',
  mistakes:
    'Senders to old lists, where most addresses are stale. What is known outweighs what is not, and the count fades.',
  source: 'BAD_RCPT_THROTTLE of Sendmail; `smtp-drop-after` of smtpf (5)',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 5,
  ttl: 0,
  options: {
    unknown: { value: 5, min: 1, max: 1000, about: 'Unknown recipients from which a client fails.' },
  },
  words: { enhanced: '7.0', text: 'Too many unknown recipients', dropCode: 421 },
  test({ backend, standing }, options) {
    const now = (backend?.rcpt['unknown user'] ?? 0) + (backend?.dot['unknown user'] ?? 0)
    const known = (backend?.rcpt.accepted ?? 0) + (standing?.accepted ?? 0)
    const all = now + (standing?.unknown ?? 0)
    if (now > 0 && all >= options.unknown && all > known) return fail(`${Math.round(all)} unknown recipients`)
    // Who has not guessed yet may still begin.
    return todo
  },
})
