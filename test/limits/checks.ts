// The bounds of what is kept about the checks.

import { fixed, own, proxy } from './bound.ts'
import type { Row } from './row.ts'

export const checkRows: readonly Row[] = [
  {
    what: 'Trusted proxies whose clients are told apart, in judging the checks',
    bound: fixed('rules/src/breakers.ts', 'mostProxies', 'count'),
    follows: 'the one that did not come for longest is forgotten',
    source: own,
  },
  {
    what: 'Networks of known good clients that failed a check and are kept',
    bound: fixed('rules/src/check-breaker.ts', 'mostNetworks', 'count'),
    follows: 'the oldest is forgotten; so many disarm any check',
    source: own,
  },
  {
    what: 'The header of a message, as far as it is looked at',
    bound: proxy('smtp/header.ts', 'mostHeader', 'octets'),
    follows: 'what stands behind is passed on unseen, and nothing is said to be missing',
    source: own,
  },
  {
    what: 'A line of it, without CR LF',
    bound: proxy('smtp/header.ts', 'longestLine', 'octets'),
    follows: '`headers` fails; it is passed on',
    source: 'RFC 5322 2.1.1',
  },
  {
    what: 'Deferred mail of which it is kept when it came first',
    bound: fixed('rules/src/deferrals.ts', 'most', 'count'),
    follows: 'the oldest is forgotten: how long it waited is not counted',
    source: own,
  },
]
