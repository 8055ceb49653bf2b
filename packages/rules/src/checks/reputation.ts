import { check, fail, pass, todo } from '../check.ts'

/**
 * A message that the backend refuses for its content is 8 points, a check that fails its own points, and half of them are gone after a
 * half-life: with the default threshold such a client is suspect for 16 hours. Remembers nothing itself, or it would feed
 * on what it finds.
 */
export const reputation = check({
  name: 'reputation',
  about:
    'The client, its network or its verified name is known for bad mail, by what the backend said and what checks saw.',
  mistakes:
    'A backend that refuses good mail teaches it; one address for many users has the name of the worst. Mail that is taken outweighs that, ' +
    'and everything fades.',
  source: "the karma of qpsmtpd and Haraka, made of the backend's own replies",
  settles: 'recall',
  action: 'observe',
  again: null,
  points: 4,
  ttl: 0,
  options: {
    threshold: { value: 5, min: 1, max: 80, about: 'The points from which a client fails.' },
  },
  words: { enhanced: '7.1', text: 'Service unavailable: too much unwanted mail from here' },
  test({ standing }, options) {
    if (standing === null) return todo
    return standing.score >= options.threshold ? fail(`${standing.score.toFixed(1)} points`) : pass
  },
})
