// The bounds of the gate: what each is for, what follows when it is reached, and where its number comes from.

import { replies } from '@sallyport/proxy/session/replies.js'
import { fixed, key, own, proxy } from './bound.ts'
import { checkRows } from './checks.ts'
import { leaseRows } from './leases.ts'
import { lookupRows } from './lookups.ts'
import { recordRows } from './records.ts'
import type { Row } from './row.ts'
import { sharedRows } from './shared.ts'
import { storeRows } from './store.ts'
import { trapRows } from './traps.ts'

export interface Part {
  readonly title: string
  readonly rows: readonly Row[]
}

/** As a client reads it, without its line end. */
const said = (reply: string) => `\`${reply.trimEnd()}\``
const [name, id] = ['HOST', 'ID'] as const

const isClosed = 'and the session ends'
const timedOut = `${said(replies.timeout(name, id))}, ${isClosed}`
const nextBackend = `the next backend is tried, else RCPT hears ${said(replies.unavailable(id))}`
const isLost = 'the backend is **lost**'

/** What **lost** means in the table. */
export const lost = `A backend that is **lost** is let go, and the session ends with ${said(replies.backendLost(name, id))}; as long as the client
has heard nothing of it, the next backend is tried, and if there is none, RCPT hears ${said(replies.unavailable(id))}.`

export const parts: readonly Part[] = [
  {
    title: 'What a client says',
    rows: [
      {
        what: 'A command line, without its CR LF',
        bound: key('limits.command_line'),
        follows: `${said(replies.lineTooLong)}, once for the whole of it`,
        source:
          'RFC 5321 4.5.3.1.4 asks for 512 at least, extensions add to it; 2,048 is `line_length_limit` of Postfix',
      },
      {
        what: 'A line of AUTH, its own or an answer',
        bound: proxy('smtp/command.ts', 'authLine', 'octets'),
        follows: `AUTH: ${said(replies.lineTooLong)}; an answer: the backend is told \`*\`, and refuses`,
        source: 'RFC 4954 4',
      },
      {
        what: 'What is thrown away of a line that is too long',
        bound: proxy('smtp/line.ts', 'discardLimit', 'octets'),
        follows: `${said(replies.endlessLine(name, id))}, ${isClosed}`,
        source: own,
      },
      {
        what: 'Commands without a message',
        bound: key('limits.commands'),
        follows: `${said(replies.tooMany(name, id))}, ${isClosed}; QUIT is heard`,
        source: own,
      },
      {
        what: 'Commands that move no mail, errors among them',
        bound: key('checks.commands.junk'),
        follows: `the check \`commands\` fails: \`421 4.7.0 Too many errors; ref=${id}\`, ${isClosed}`,
        source: '`smtpd_hard_error_limit` of Postfix',
      },
      {
        what: 'Rounds of one AUTH',
        bound: proxy('session/phases/exchange.ts', 'mostRounds', 'count'),
        follows: 'the backend is told `*`, and refuses; one that asks again is out of step, and the session ends',
        source: 'five times what the longest mechanism in use takes',
      },
      {
        what: 'Recipients of a suspect that are noted for greylisting',
        bound: proxy('session/greylisting.ts', 'mostNoted', 'count'),
        follows: 'the others are deferred without being noted',
        source: own,
      },
      {
        what: 'Commands that wait unread',
        bound: proxy('smtp/line.ts', 'pendingLimit', 'octets'),
        follows: 'the client is not read from until they are worked off',
        source: own,
      },
      {
        what: 'The same of a client that is held in a trap',
        bound: proxy('session/phases/trap.ts', 'pendingLimit', 'octets'),
        follows: 'it is not read from',
        source: own,
      },
      {
        what: 'Replies that the gate makes in one go',
        bound: proxy('connection.ts', 'mostAtOnce', 'octets'),
        follows: 'the other sessions have their turn',
        source: own,
      },
      {
        what: 'Octets read of a client behind our last word',
        bound: proxy('linger.ts', 'bounds.octets', 'octets'),
        follows: 'the connection is closed',
        source: own,
      },
      {
        what: 'For as long',
        bound: proxy('linger.ts', 'bounds.wait', 'ms'),
        follows: 'the connection is closed',
        source: own,
      },
    ],
  },
  {
    title: 'What a balancer says',
    rows: [
      {
        what: 'A PROXY header of version 1',
        bound: proxy('proxy-protocol/header.ts', 'longestLine', 'octets'),
        follows: `${said(replies.noService(name, id))}, and a close`,
        source: 'PROXY protocol 2.1',
      },
      {
        what: 'A PROXY header of version 2, behind its 16 fixed octets',
        bound: proxy('proxy-protocol/block.ts', 'longestBlock', 'octets'),
        follows: `${said(replies.noService(name, id))}, and a close`,
        source: `${own}; the field could say 65,535`,
      },
      {
        what: 'Time for the header',
        bound: key('timeouts.proxy_header'),
        follows: `${said(replies.noService(name, id))}, and a close`,
        source: own,
      },
    ],
  },
  {
    title: 'What a backend says',
    rows: [
      {
        what: 'A line of a reply',
        bound: proxy('smtp/reply.ts', 'limits.line', 'octets'),
        follows: isLost,
        source: 'RFC 5321 4.5.3.1.5 allows 512; servers exceed it',
      },
      {
        what: 'Lines of a reply',
        bound: proxy('smtp/reply.ts', 'limits.lines', 'count'),
        follows: isLost,
        source: own,
      },
      {
        what: 'A reply',
        bound: proxy('smtp/reply.ts', 'limits.octets', 'octets'),
        follows: isLost,
        source: own,
      },
      {
        what: 'Keywords of EHLO',
        bound: proxy('smtp/keywords.ts', 'limits.keywords', 'count'),
        follows: 'the others are not offered',
        source: own,
      },
      {
        what: 'A keyword with its parameters',
        bound: proxy('smtp/keywords.ts', 'limits.length', 'octets'),
        follows: 'it is not offered',
        source: 'RFC 5321 4.5.3.1.5',
      },
    ],
  },
  {
    title: 'Time',
    rows: [
      {
        what: 'The pause before the greeting',
        bound: key('greet.wait'),
        follows: 'the rest of the greeting',
        source: '`postscreen_greet_wait` of Postfix',
      },
      {
        what: 'A handshake of TLS',
        bound: key('timeouts.tls_handshake'),
        follows: `with a client: the connection is closed without a word; with a backend: ${nextBackend}, or in the clear where \`backend.tls\` is opportunistic`,
        source: own,
      },
      {
        what: 'The store’s answer',
        bound: key('timeouts.recall'),
        follows: 'the client counts as unknown',
        source: own,
      },
      {
        what: 'Answers about the client that a RCPT waits for',
        bound: key('timeouts.answers'),
        follows: 'it is decided without them',
        source: own,
      },
      {
        what: 'The next command of a client that is suspect',
        bound: key('timeouts.suspect'),
        follows: timedOut,
        source: own,
      },
      {
        what: 'The next command, a whole line',
        bound: key('timeouts.command'),
        follows: timedOut,
        source: 'RFC 5321 4.5.3.2.7',
      },
      {
        what: 'Everything before the backend is open',
        bound: key('timeouts.screening'),
        follows: timedOut,
        source: own,
      },
      {
        what: 'Between two pieces of a message, and for a backend to take one',
        bound: key('timeouts.data'),
        follows: timedOut,
        source: 'RFC 5321 4.5.3.2.5',
      },
      {
        what: 'A session',
        bound: key('timeouts.session'),
        follows: timedOut,
        source: own,
      },
      {
        what: 'TLS passed through, with nothing said on either side',
        bound: key('timeouts.backend_final'),
        follows: 'both connections are closed without a word',
        source: 'RFC 5321 4.5.3.2.6: the longest wait that either may have',
      },
      {
        what: 'The connection to the backend',
        bound: key('timeouts.backend_connect'),
        follows: nextBackend,
        source: own,
      },
      {
        what: 'The backend’s greeting',
        bound: key('timeouts.backend_greeting'),
        follows: nextBackend,
        source: `${own}: RFC 5321 4.5.3.2.1 has 5 minutes, and a client waits meanwhile`,
      },
      {
        what: 'The backend’s reply to a command',
        bound: key('timeouts.backend_reply'),
        follows: isLost,
        source: 'RFC 5321 4.5.3.2.2 and 4.5.3.2.3',
      },
      {
        what: 'The backend’s reply to a message',
        bound: key('timeouts.backend_final'),
        follows: isLost,
        source: 'RFC 5321 4.5.3.2.6',
      },
      {
        what: 'Sessions that a drain waits for',
        bound: key('drain.wait'),
        follows: `${said(replies.shuttingDown(name, id))}; a message that the backend has in hand is waited for`,
        source: own,
      },
      {
        what: 'An answer of the admin port that is under way when the gate ends',
        bound: proxy('admin.ts', 'lastAnswer', 'ms'),
        follows: 'its connection is closed',
        source: own,
      },
      {
        what: 'A silence of one that has said MAIL, or has only just come, while the gate drains',
        bound: proxy('session/standing.ts', 'longestLull', 'ms'),
        follows: said(replies.shuttingDown(name, id)),
        source: own,
      },
    ],
  },
  {
    title: 'How many at a time',
    rows: [
      {
        what: 'Clients',
        bound: key('limits.connections'),
        follows: `${said(replies.noService(name, id))}, and a close`,
        source: own,
      },
      {
        what: 'Connections of one client (an IPv4 address, an IPv6 /64)',
        bound: key('limits.per_client'),
        follows: `${said(replies.tooManyConnections(name, id))}, and a close; before a handshake, without the words`,
        source: '`smtpd_client_connection_count_limit` of Postfix',
      },
      {
        what: 'Connections of one network (a /24, of IPv6 a /48)',
        bound: key('limits.per_network'),
        follows: `${said(replies.tooManyConnections(name, id))}, and a close; before a handshake, without the words`,
        source: 'ours: ten clients of as many as one may have',
      },
      {
        what: 'Connections of one client while unknown clients are turned away for the load',
        bound: key('load.per_client'),
        follows: 'the same',
        source: own,
      },
      {
        what: 'Connections of one network meanwhile',
        bound: key('load.per_network'),
        follows: 'the same',
        source: own,
      },
      {
        what: 'Clients turned away that may still read why',
        bound: proxy('reception.ts', 'mostTurnedAway', 'count'),
        follows: 'a close at once',
        source: own,
      },
      {
        what: 'Connections that the kernel holds until they are accepted',
        bound: proxy('listener.ts', 'backlog', 'count'),
        follows: 'the kernel lets the client try again',
        source: 'listen(2)',
      },
      {
        what: 'Connections to one backend',
        bound: key('backend.connections'),
        follows: 'the next server, or the queue',
        source: own,
      },
      {
        what: 'Sessions that wait for a connection to a backend',
        bound: key('backend.queue.length'),
        follows: `RCPT hears ${said(replies.unavailable(id))}`,
        source: own,
      },
      {
        what: 'How long one waits',
        bound: key('backend.queue.wait'),
        follows: `RCPT hears ${said(replies.unavailable(id))}`,
        source: own,
      },
      {
        what: 'Servers tried for one session',
        bound: proxy('backends/group.ts', 'mostTries', 'count'),
        follows: `RCPT hears ${said(replies.unavailable(id))}`,
        source: own,
      },
    ],
  },
  {
    title: 'Look-ups and memory of clients',
    rows: [...lookupRows, ...leaseRows, ...storeRows, ...sharedRows],
  },
  { title: 'What is kept about the checks', rows: checkRows },
  {
    title: 'The log and files',
    rows: [
      {
        what: 'Lines of the log that wait for their reader',
        bound: proxy('log-output.ts', 'waitingLimit', 'octets'),
        follows: 'further ones are dropped, and counted',
        source: own,
      },
      {
        what: 'Recipients of a session in its line',
        bound: proxy('session/journal.ts', 'kept.recipients', 'count'),
        follows: 'the others are counted',
        source: own,
      },
      {
        what: 'A path in it',
        bound: proxy('session/journal.ts', 'kept.path', 'octets'),
        follows: 'it is cut',
        source: 'RFC 5321 4.5.3.1.3 allows 256',
      },
      {
        what: 'A reply in it',
        bound: proxy('session/journal.ts', 'kept.reply', 'octets'),
        follows: 'it is cut',
        source: own,
      },
      {
        what: 'Queue ids in it',
        bound: proxy('session/journal.ts', 'kept.queueIds', 'count'),
        follows: 'the others are left out',
        source: own,
      },
      {
        what: 'A list of networks',
        bound: proxy('access-file.ts', 'longestFile', 'octets'),
        follows: 'it is not taken; the list before holds',
        source: own,
      },
      {
        what: 'A line of it',
        bound: fixed('rules/src/access-list.ts', 'longestLine', 'octets'),
        follows: 'the rest of it is not looked at',
        source: own,
      },
      {
        what: 'A certificate or key',
        bound: proxy('tls/pem.ts', 'longestFile', 'octets'),
        follows: 'it is not taken; the one before holds',
        source: own,
      },
      {
        what: 'The configuration',
        bound: proxy('config/document.ts', 'largest', 'octets'),
        follows: 'an error, and exit status 78',
        source: own,
      },
      {
        what: 'Values that aliases repeat in it',
        bound: proxy('config/document.ts', 'mostAliased', 'count'),
        follows: 'an error, and exit status 78',
        source: own,
      },
    ],
  },
  { title: 'Clients that are not wanted', rows: trapRows },
  { title: 'Records of decisions', rows: recordRows },
]
