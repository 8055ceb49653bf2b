import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, duration, size } = leaves

export const limits = section({
  connections: count(1, 1_000_000).prefault(10_000).describe('The most clients at a time.'),
  per_client: count(1, 1_000_000)
    .prefault(50)
    .describe('The most connections of one client at a time, at all gates that share a Redis.'),
  per_network: count(1, 1_000_000)
    .prefault(500)
    .describe(
      'The most connections of one network, a /24 or of IPv6 a /48, at a time, at all gates that share a Redis; a number below per_client is taken for that.',
    ),
  command_line: size(512, 12_288, '2k')
    .prefault('2k')
    .describe('The longest command line; 512 at least (RFC 5321 4.5.3.1.4).'),
  commands: count(10, 1_000_000).prefault(5000).describe('The most commands of a session without a message.'),
})

export const timeouts = section({
  proxy_header: duration('100ms', '1m', '5s').prefault('5s').describe('For the PROXY header of a trusted proxy.'),
  tls_handshake: duration('1s', '5m', '30s').prefault('30s').describe('For a TLS handshake, on either side.'),
  recall: duration('1ms', '5s', '50ms')
    .prefault('50ms')
    .describe('For what the store knows of the client; then it is unknown.'),
  answers: duration('100ms', '30s', '5s')
    .prefault('5s')
    .describe('For what was asked of the DNS or the store about a client, before its recipient is decided without it.'),
  command: duration('1s', '1h', '5m').prefault('5m').describe('For the next command of the client.'),
  suspect: duration('1s', '1h', '1m')
    .prefault('1m')
    .describe('For the next command of a client that has failed a check, or is trapped; never more than command.'),
  screening: duration('1s', '1d', '10m').prefault('10m').describe('For everything before the backend is opened.'),
  data: duration('1s', '1h', '3m').prefault('3m').describe('Between two pieces of a message.'),
  session: duration('1m', '7d', '4h').prefault('4h').describe('For the whole session.'),
  backend_connect: duration('100ms', '5m', '5s').prefault('5s').describe('For the connection to the backend.'),
  backend_greeting: duration('1s', '10m', '30s').prefault('30s').describe("For the backend's greeting."),
  backend_reply: duration('1s', '1h', '5m').prefault('5m').describe("For the backend's reply to a command."),
  backend_final: duration('1m', '1h', '10m')
    .prefault('10m')
    .describe("For the backend's reply to a whole message (RFC 5321 4.5.3.2.6)."),
})

export const load = section({
  event_loop: duration('10ms', '1m', '250ms')
    .prefault('250ms')
    .describe('How late the event loop may be before unknown clients are turned away.'),
  backend: duration('100ms', '5m', '10s')
    .prefault('10s')
    .describe('How long the backend may take to answer MAIL or RCPT before they are.'),
  shed: leaves.share
    .prefault('90%')
    .describe('The share of them that is asked to come back later, at twice these values; 0%: nobody ever.'),
  per_client: count(1, 1_000_000)
    .prefault(10)
    .describe('The most connections of one client at a time while any are turned away.'),
  per_network: count(1, 1_000_000)
    .prefault(50)
    .describe('The most connections of one network at a time while any are turned away.'),
})

export const drain = section({
  delay: duration('0s', '10m', '5s')
    .prefault('0s')
    .describe('How long new clients are still taken after the signal to stop, so that balancers notice.'),
  wait: duration('0s', '1h', '1m').prefault('1m').describe('How long the sessions then have to come to their end.'),
})
