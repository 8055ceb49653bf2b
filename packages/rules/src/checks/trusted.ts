import { check, todo, vouch } from '../check.ts'

/** A session whose mail the backend takes, and in which no check that acts saw anything, is four points, once in 20 hours; one message refused for its content costs eight. */
export const trusted = check({
  name: 'trusted',
  about:
    'The backend has taken mail of the client, or of its verified name, again and again: it needs no other check. Observing switches that off.',
  mistakes:
    'None: it never fails. Where the backend takes everything, so does trust: raise the threshold, or let it observe.',
  // Whoever is not trusted is not waited for: the name that may bring trust comes later, or never.
  source: 'the automatic allow lists of greylisters (postgrey: after five deliveries), made of what the backend took',
  settles: 'command',
  action: 'score',
  again: null,
  points: 0,
  ttl: 0,
  options: {
    threshold: { value: 10, min: 1, max: 20, about: 'The points for a client from which it is trusted.' },
  },
  words: { enhanced: '7.1', text: 'Access denied' },
  test({ standing }, options) {
    if (standing === null || standing.trust < options.threshold) return todo
    return vouch(`${standing.trust.toFixed(1)} points of trust`)
  },
})
