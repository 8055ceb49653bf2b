// The bounds of what is asked of the DNS.

import { fixed, key, own, proxy } from './bound.ts'
import type { Row } from './row.ts'

const spf = (constant: string) => fixed('rules/src/spf/scope.ts', constant, 'count')

export const lookupRows: readonly Row[] = [
  {
    what: 'Questions to DNS lists that are open',
    bound: proxy('lookups/dnsbl.ts', 'mostQueries', 'count'),
    follows: 'the lists count as silent for that client',
    source: own,
  },
  {
    what: 'Time for all lists',
    bound: key('dnsbl.wait'),
    follows: 'what has not answered counts as silent',
    source: own,
  },
  {
    what: 'Sessions that share one look-up',
    bound: proxy('lookups/resolver.ts', 'mostHearers', 'count'),
    follows: 'for the others the look-up has failed',
    source: own,
  },
  {
    what: 'Look-ups of names that are open',
    bound: proxy('lookups/reverse-name.ts', 'mostFlights', 'count'),
    follows: 'XCLIENT says `[TEMPUNAVAIL]`',
    source: own,
  },
  {
    what: 'Names of one address that are confirmed',
    bound: proxy('lookups/reverse-name.ts', 'mostNames', 'count'),
    follows: 'the others are not looked at',
    source: own,
  },
  {
    what: 'Look-ups of names in HELO, of senders and of SPF that are open, of each kind',
    bound: proxy('lookups/inquiries.ts', 'mostFlights', 'count'),
    follows: 'the others have failed, which decides nothing',
    source: own,
  },
  {
    what: "Mail servers of a sender's domain that are looked at",
    bound: fixed('rules/src/sender-domain.ts', 'mostServers', 'count'),
    follows: 'what the others are like is not known, which decides nothing',
    source: own,
  },
  {
    what: 'Terms of SPF records that ask the DNS, in one check',
    bound: spf('most.terms'),
    follows: '`permerror`',
    source: 'RFC 7208 4.6.4',
  },
  {
    what: 'Those of them that are answered with nothing',
    bound: spf('most.voids'),
    follows: '`permerror`',
    source: 'RFC 7208 4.6.4',
  },
  {
    what: 'Hosts of one MX, or names of the client, in SPF',
    bound: spf('most.names'),
    follows: 'of an MX `permerror`; of names the others are not looked at',
    source: 'RFC 7208 4.6.4',
  },
  {
    what: 'An SPF record',
    bound: fixed('rules/src/spf/record.ts', 'longestRecord', 'octets'),
    follows: '`permerror`',
    source: 'twice the largest that are published',
  },
]
