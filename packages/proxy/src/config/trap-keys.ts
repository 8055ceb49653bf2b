import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, duration, size } = leaves

export const trap = section({
  sessions: count(0, 1_000_000)
    .prefault(1000)
    .describe('The most clients that are trapped at a time; when all places are taken the least suspicious is let go.'),
  interval: duration('50ms', '10s', '1s').prefault('1s').describe('The time for each octet of a reply.'),
  piece: count(1, 16)
    .prefault(2)
    .describe(
      'How many octets are said at once, after as many intervals: the rate stays, and 2 cost the gate half of what 1 each time does.',
    ),
  octets: size(1_048_576, 1_099_511_627_776, '64M')
    .prefault('64M')
    .describe(
      'How much is said to all trapped clients and read of them in an hour, without what TCP adds; when it is used up the least suspicious are let go, until the others need no more than comes back.',
    ),
  wait: duration('10s', '1h', '10m')
    .prefault('10m')
    .describe(
      'How long a client is held at most, and so how many octets are said to it: 600 in 10 minutes of 1 s each.',
    ),
})

export const decoy = section({
  folder: leaves.path
    .optional()
    .describe('Where a sample of the messages is kept, readable for the gate alone; none: nothing is kept.'),
  messages: count(1, 1_000_000).prefault(100).describe('The most samples that are kept; the oldest go.'),
  size: size(1024, 67_108_864, '64k').prefault('64k').describe('How much of a message is kept.'),
  sessions: count(1, 100_000).prefault(100).describe('The most clients at a time; above that they are refused.'),
})
