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
    what: 'Gates that hold connections of one client, or network',
    bound: proxy('store/lease-script.ts', 'mostGates', 'count'),
    follows: 'those of one more count at itself alone',
    source: own,
  },
  {
    what: 'Clients of a network whose connections are counted over all gates',
    bound: proxy('store/lease-script.ts', 'mostInNetwork', 'count'),
    follows: 'one more counts for its network alone, and for itself at its gate',
    source: own,
  },
  {
    what: 'Names of a network that are told to Redis with one command',
    bound: proxy('store/lease-book.ts', 'mostAtOnce', 'count'),
    follows: 'the others are told with the next',
    source: own,
  },
]
