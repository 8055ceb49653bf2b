import { check, fail, pass, todo, vouch } from '../check.ts'

const denied = fail('on the deny list')

export const access = check({
  name: 'access',
  about: "The client's address is on the operator's own deny list. The allow list beats it, and every other check.",
  mistakes: 'None but the list itself: it says what the operator wrote into it.',
  source: 'access(5) of Postfix; blackmilter of ACME Labs',
  settles: 'recall',
  vouches: 'for all',
  breaker: false,
  action: 'drop',
  again: null,
  points: 10,
  ttl: 0,
  options: {},
  words: { enhanced: '7.1', text: 'Access denied' },
  test(facts) {
    switch (facts.access) {
      case 'allow':
        return vouch('on the allow list')
      case 'deny':
        return denied
      case 'none':
        return pass
      default:
        facts.access satisfies never
        return todo
    }
  },
})
