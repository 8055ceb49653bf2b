import { check, todo, vouch } from '../check.ts'

/** Who has logged in is known by more than an address: on a list of dialled-up ones as in a café. */
export const authenticated = check({
  name: 'authenticated',
  about: 'The backend has taken the login of the client, who is its user; no other check counts against it any more.',
  mistakes: 'None: it never fails. A stolen password passes it.',
  source: 'RFC 4954',
  settles: 'command',
  vouches: 'for all',
  action: 'observe',
  again: null,
  points: 0,
  ttl: 0,
  options: {},
  words: { enhanced: '7.1', text: 'Access denied' },
  test: facts => (facts.authenticated ? vouch('logged in') : todo),
})
