import { check, fail, passFor, todo, unknown, vouch } from '../check.ts'
import { hour } from '../duration.ts'

/**
 * The weights of the DNS lists that name the client add up to a rank (postscreen's word); at `threshold` the client fails,
 * at `allow` or below (a negative number) it needs no other check. Decided as soon as no outstanding answer can change it.
 * A list that did not answer says nothing: then there is no pass to remember.
 */
export const dnsbl = check({
  name: 'dnsbl',
  about: 'DNS block lists name the client, with a rank at or above the threshold.',
  mistakes: 'Lists differ in care; shared hosts get listed for their neighbours. Weigh several lists, observe first.',
  source: 'RFC 5782; `postscreen_dnsbl_sites` of postscreen(8)',
  settles: 'greet',
  asks: 'dnsbl',
  action: 'observe',
  again: null,
  points: 5,
  ttl: hour,
  options: {
    threshold: { value: 1, min: 1, max: 1000, about: 'The rank from which a client fails.' },
    allow: {
      value: 0,
      min: -1000,
      max: 0,
      about: 'The rank at or below which a client needs no other check; 0: off. Not while observing.',
    },
  },
  words: facts => ({
    enhanced: '7.1',
    text: `Service unavailable; client [${facts.client}] blocked using ${facts.dnsbl?.list ?? 'a DNS list'}`,
  }),
  test(facts, options) {
    const found = facts.dnsbl
    if (found === null) return todo
    if (found.rank + found.couldFall >= options.threshold) return fail(`rank ${found.rank} using ${found.list ?? '?'}`)
    if (options.allow < 0 && found.rank + found.couldRise <= options.allow) return vouch(`rank ${found.rank}`)
    const canFail = found.rank + found.couldRise >= options.threshold
    const canVouch = options.allow < 0 && found.rank + found.couldFall <= options.allow
    if (canFail || canVouch) return todo
    if (found.asked === 0) return unknown('no list was asked')
    if (found.failed > 0) return unknown(`${found.failed} of ${found.asked} lists did not answer`)
    return passFor(found.ttl)
  },
})
