// The bounds of what gates that share a store ask of it and tell each other.

import { own, proxy } from './bound.ts'
import type { Row } from './row.ts'

export const sharedRows: readonly Row[] = [
  {
    what: 'How long who is known for good waits for Redis; and everybody, once it is known who it is, for whether there is a place',
    bound: proxy('store/shared/grace.ts', 'usualGrace', 'ms'),
    follows: 'what this gate knows is the answer, until Redis has answered in that time again',
    source: own,
  },
  {
    what: 'Recalls of one name within a second, one after the other',
    bound: proxy('store/shared/hot-recalls.ts', 'hotFrom', 'count'),
    follows: 'further ones have the last answer, for the rest of that second',
    source: own,
  },
  {
    what: 'How old the answer about such a name may be',
    bound: proxy('store/shared/hot-recalls.ts', 'hotSpan', 'ms'),
    follows: 'Redis is asked again',
    source: own,
  },
  {
    what: 'Names that are counted for that',
    bound: proxy('store/shared/hot-recalls.ts', 'mostHot', 'count'),
    follows: 'Redis is asked for each of the others each time',
    source: own,
  },
  {
    what: 'Names known to be beyond a rate',
    bound: proxy('store/rates/rate-waits.ts', 'mostWaits', 'count'),
    follows: 'Redis is asked for the one noted first',
    source: own,
  },
  {
    what: 'Questions about the rates of one network that are open',
    bound: proxy('store/rates/rate-queue.ts', 'mostUnderWay', 'count'),
    follows: 'the next waits for an answer to one of them',
    source: own,
  },
  {
    what: 'How long one waits for that',
    bound: proxy('store/rates/rate-queue.ts', 'longestTurnWait', 'ms'),
    follows: 'the gate counts by itself',
    source: own,
  },
  {
    what: 'Blocked names of which Redis has not been heard since',
    bound: proxy('store/shared/doubts.ts', 'mostDoubted', 'count'),
    follows: 'of the one doubted first the gate believes its copy again, until Redis answers',
    source: own,
  },
  {
    what: 'Blocked names in one message to the other gates',
    bound: proxy('store/shared/block-channel.ts', 'mostTold', 'count'),
    follows: 'the others are told in the next',
    source: own,
  },
  {
    what: 'Between two such messages, at least',
    bound: proxy('store/shared/block-channel.ts', 'tellWait', 'ms'),
    follows: 'names are collected meanwhile',
    source: own,
  },
  {
    what: 'Blocked names that wait to be told',
    bound: proxy('store/shared/block-channel.ts', 'mostUntold', 'count'),
    follows: 'further ones are not told, and counted',
    source: own,
  },
  {
    what: 'A message of another gate',
    bound: proxy('store/shared/block-channel.ts', 'longestMessage', 'octets'),
    follows: 'it is not read',
    source: own,
  },
  {
    what: 'A name in it',
    bound: proxy('store/shared/block-channel.ts', 'longestName', 'octets'),
    follows: 'it is left out',
    source: own,
  },
  {
    what: 'Blocked names heard within a second',
    bound: proxy('store/shared/block-channel.ts', 'mostHeard', 'count'),
    follows: 'further ones are not heard, and counted',
    source: own,
  },
  {
    what: 'Blocked names that wait until the open sessions are looked through',
    bound: proxy('blocks.ts', 'mostPending', 'count'),
    follows: 'further ones act at the next connection',
    source: own,
  },
  {
    what: 'Between two such looks, at least',
    bound: proxy('blocks.ts', 'sweepWait', 'ms'),
    follows: 'names are collected meanwhile',
    source: own,
  },
  {
    what: 'Open sessions that are judged anew in 100 ms',
    bound: proxy('blocks.ts', 'mostAskedAgain', 'count'),
    follows: 'the others are later',
    source: own,
  },
]
