import { check, fail, pass, todo } from '../check.ts'
import { hour, minute } from '../duration.ts'

/**
 * Counted at every connection, here and at every gate that shares the store; while the store is away each gate counts for itself. Not counted
 * while it observes: that is a write for each connection, and `sallyport_connections_total` says what there is.
 */
export const rate = check({
  name: 'rate',
  about: 'More connections in a period from one address, from its network (/24 or /48), or in all, than are let in.',
  mistakes: 'Large senders after an outage, and everybody when the bound for all is low. Defer: they come again.',
  source: '`ratelimit` of Exim and `Rate-Connect` of smtpf as precedents; the algorithm is GCRA (ITU-T I.371)',
  settles: 'recall',
  asks: 'rate',
  action: 'observe',
  again: null,
  points: 2,
  ttl: 0,
  options: {
    address: { value: 60, min: 0, max: 1_000_000, about: 'Connections of one address in a period; 0: any number.' },
    network: { value: 300, min: 0, max: 1_000_000, about: 'Connections of one network in a period; 0: any number.' },
    all: { value: 0, min: 0, max: 10_000_000, about: 'Connections of everybody in a period; 0: any number.' },
    period: { value: minute, min: 1, max: 24 * hour, about: 'The period, in seconds.' },
  },
  words: { enhanced: '7.0', text: 'Too many connections', dropCode: 421 },
  test({ rate: found }) {
    if (found === null) return todo
    return found.over === null ? pass : fail(`more than ${found.over}`)
  },
})
