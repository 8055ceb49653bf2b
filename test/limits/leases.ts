// The bounds of what gates tell each other of the connections that are open.

import { key, own, proxy } from './bound.ts'
import type { Row } from './row.ts'

export const leaseRows: readonly Row[] = [
  {
    what: 'How long connections of a gate count that says nothing any more',
    bound: key('store.lease'),
    follows: 'the other gates do not count them any more',
    source: own,
  },
  {
    what: 'How far ahead the end of a lease may be that a gate has written',
    bound: proxy('store/redis/lease-script.ts', 'longestLease', 'ms'),
    follows: 'it was another clock, before a failover: cut to a lease from when it is met',
    source: own,
  },
  {
    what: 'Gates that hold connections of one client, or network',
    bound: proxy('store/redis/lease-script.ts', 'mostGates', 'count'),
    follows: 'those of one more count at itself alone',
    source: own,
  },
  {
    what: 'Clients of a network whose connections are counted over all gates',
    bound: proxy('store/redis/lease-script.ts', 'mostInNetwork', 'count'),
    follows: 'one more counts for its network alone, and for itself at its gate',
    source: own,
  },
  {
    what: 'Clients of a network that came and went while Redis did not answer, and are told to it later',
    bound: proxy('store/leases/lease-page.ts', 'mostInDoubt', 'count'),
    follows: 'Redis forgets the others after a lease',
    source: own,
  },
  {
    what: 'Names of a network that are told to Redis, or clients that are asked for, with one command',
    bound: proxy('store/leases/lease-book.ts', 'mostAtOnce', 'count'),
    follows: 'the others come with the next',
    source: own,
  },
  {
    what: 'Turns of 100 ms in which all that a gate holds is told again',
    bound: proxy('store/leases/lease-book.ts', 'mostTurns', 'count'),
    follows: 'no more: fewer with a lease below 32 s, of which they take a quarter',
    source: own,
  },
  {
    what: 'How long it is known that there are too many of a client, or network',
    bound: proxy('store/leases/hot-excess.ts', 'excessSpan', 'ms'),
    follows: 'the store is asked again',
    source: own,
  },
  {
    what: 'Clients and networks of which that is known',
    bound: proxy('store/leases/hot-excess.ts', 'mostExcess', 'count'),
    follows: 'the one noted first is asked for again',
    source: own,
  },
]
