// The bounds of what is done to those that are not wanted: delays, the trap, the decoy.

import { fixed, key, own, proxy } from './bound.ts'
import type { Row } from './row.ts'

const places = 'all others are refused as anybody would be'

export const trapRows: readonly Row[] = [
  {
    what: 'What a client that has done nothing wrong waits for one reply',
    bound: fixed('rules/src/delay.ts', 'mostForClean', 'ms'),
    follows: 'it waits no more',
    source: 'senders that only ask whether an address exists give up on a command then',
  },
  {
    what: 'What any client waits in a session',
    bound: fixed('rules/src/delay.ts', 'mostForAny', 'ms'),
    follows: 'it waits no more',
    source: 'RFC 5321 4.5.3.2: as long as a client waits for one reply',
  },
  {
    what: 'What it waits for one reply',
    bound: fixed('rules/src/delay.ts', 'mostForReply', 'ms'),
    follows: 'it waits no more; what is left of five minutes is for the backend',
    source: 'RFC 5321 4.5.3.2.1 to 4.5.3.2.3',
  },
  {
    what: 'And for that to DATA',
    bound: fixed('rules/src/delay.ts', 'mostForData', 'ms'),
    follows: 'it waits no more',
    source: 'RFC 5321 4.5.3.2.4: two minutes',
  },
  {
    what: 'What one error makes a client wait',
    bound: fixed('rules/src/delay.ts', 'mostEach', 'ms'),
    follows: 'no further doubling',
    source: own,
  },
  {
    what: 'What a client that is turned away waits for its 421',
    bound: key('delays.turned_away'),
    follows: 'the word, and a close',
    source: '`concurrent-421-delay` of smtpf',
  },
  {
    what: 'Clients in the trap',
    bound: key('trap.sessions'),
    follows: 'the least suspicious is let go with 421',
    source: 'spamd -B has 700',
  },
  {
    what: 'What is said to all of them and read of them in an hour',
    bound: key('trap.octets'),
    follows: 'the least suspicious are let go with 421, until the others need no more than comes back',
    source: own,
  },
  { what: 'For as long', bound: key('trap.wait'), follows: '421, and a close', source: own },
  { what: 'Clients with the decoy', bound: key('decoy.sessions'), follows: places, source: own },
  { what: 'Samples of the decoy', bound: key('decoy.messages'), follows: 'the oldest is removed', source: own },
  { what: 'One of them', bound: key('decoy.size'), follows: 'the rest is read and thrown away', source: own },
  {
    what: 'Recipients that it names',
    bound: proxy('decoy/decoy.ts', 'mostNamed', 'count'),
    follows: 'the others are left out',
    source: own,
  },
]
