// The bounds of what is remembered of clients, here and in Redis.

import { key, own, proxy } from './bound.ts'
import type { Row } from './row.ts'

export const storeRows: readonly Row[] = [
  {
    what: 'Clients remembered in this process',
    bound: key('store.clients'),
    follows: 'the one met least recently is forgotten, those of whom only failures are known first',
    source: own,
  },
  {
    what: 'Questions to Redis that are open',
    bound: proxy('store/redis/breaker.ts', 'breakerLimits.outstanding', 'count'),
    follows: 'the copy in this process answers',
    source: own,
  },
  {
    what: 'Clients whose lessons wait for Redis',
    bound: proxy('store/shared/unwritten.ts', 'mostUnwritten', 'count'),
    follows: 'the client taught least recently is not shared; fewer where `store.clients` is less',
    source: 'ours: 35 MB, if each has passed ten checks',
  },
  {
    what: 'Lessons on their way at once as they are written back',
    bound: proxy('store/shared/pace.ts', 'mostAtOnce', 'count'),
    follows: 'the others wait for the next batch',
    source: own,
  },
  {
    what: 'What the end of the gate may wait to write lessons back',
    bound: proxy('store/shared/unwritten.ts', 'closeWait', 'ms'),
    follows: 'the log says of how many clients they are lost',
    source: own,
  },
  {
    what: 'Clients in one of 16384 parts of Redis',
    bound: proxy('store/redis/client-scripts.ts', 'mostInPart', 'count'),
    follows: 'for each that comes another is forgotten, at random',
    source: own,
  },
  {
    what: 'Record of a client in Redis',
    bound: proxy('store/redis/client-record.ts', 'longestRecord', 'octets'),
    follows: 'it is none of ours: nothing is known, and it is written anew',
    source: own,
  },
  {
    what: 'Redis’ answer',
    bound: key('store.command_wait'),
    follows: 'the copy in this process answers',
    source: own,
  },
]
