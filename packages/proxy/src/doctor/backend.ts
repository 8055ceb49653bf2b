import { tongue } from '../backend-dialogue.ts'
import type { Identity } from '../config/config.ts'
import { keywordOf } from '../smtp/keywords.ts'
import { noTls } from '../tls/backend-tls.ts'
import { examineIdentity, expectHeader, point as identityPoint } from './identity.ts'
import { keywordText } from './keyword.ts'
import { Report } from './report.ts'
import { type Arrival, tellTls } from './tls.ts'
import { type Behind, type Surroundings, Visit } from './visit.ts'

/** The most that a trial with another identity waits for a greeting, ms: a server that waits for a header is silent. */
const longestTrial = 5_000

/** What was found of a backend. */
export interface Examination {
  readonly behind: Behind
  readonly report: Report
  /** Its keywords; null: the gate cannot use it. */
  readonly lines: readonly string[] | null
  /** It is not there, or does not greet whoever the client is. That may pass; what must be set otherwise does not. */
  readonly isDown: boolean
}

/** Connects to a backend as the gate would, and reports what it finds, step by step. */
export async function examineBackend(behind: Behind, surroundings: Surroundings): Promise<Examination> {
  const report = new Report(`${behind.key} ${behind.name}, identity ${behind.backend.identity}`)
  const visit = new Visit(behind, surroundings, 'gate')
  const arrival = await arrive(report, behind, surroundings, visit)
  if (arrival === null || arrival === 'down') {
    visit.close()
    return { behind, report, lines: null, isDown: arrival === 'down' }
  }
  report.ok('keywords', keywordText(arrival.lines, surroundings.keywords))
  if (!arrival.broken) await leave(report, visit)
  visit.close()
  // Where TLS was tried and failed, the gate goes on without, and so do we.
  const next = arrival.broken ? { ...behind, tls: noTls } : behind
  await examineIdentity(report, next, surroundings, arrival.lines)
  // Without its XCLIENT a session goes no further, and the probe takes it for down; a header that nobody reads stops neither.
  const isDeaf = behind.backend.identity === 'xclient' && report.hasFailed(identityPoint)
  return { behind, report, lines: isDeaf ? null : arrival.lines, isDown: false }
}

/** From the connection to the last EHLO; null: there is no going on, as with one that is down. */
async function arrive(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  visit: Visit,
): Promise<Arrival | 'down' | null> {
  const connected = await visit.connected()
  if ('fault' in connected) {
    report.fail('reachable', connected.fault, connected.ms, callAgain(connected.fault))
    return 'down'
  }
  report.ok('reachable', 'connected', connected.ms)
  const greeting = await visit.greeting()
  if ('fault' in greeting) {
    const advice = await whatWouldDo(behind, surroundings)
    report.fail('greeting', greeting.fault, greeting.ms, advice ?? listenAgain(greeting.fault))
    return advice === null ? 'down' : null
  }
  report.ok('greeting', greeting.value.text.trimEnd(), greeting.ms)
  const hello = await visit.hello()
  if ('fault' in hello) {
    // A server that was not told of the header greets, and stumbles over it then.
    const advice = await whatWouldDo(behind, surroundings)
    report.fail('EHLO', hello.fault, hello.ms, advice ?? listenAgain(hello.fault))
    return advice === null ? 'down' : null
  }
  report.ok('EHLO', `250 ${visit.welcome}`, hello.ms)
  return tellTls(report, behind, visit, hello.value)
}

async function leave(report: Report, visit: Visit): Promise<void> {
  const quit = await visit.quit()
  if ('fault' in quit) report.warn('QUIT', quit.fault, quit.ms, 'it should answer 221 before it closes')
  else report.ok('QUIT', quit.value.text.trimEnd(), quit.ms)
}

/** Why nobody answers a call, most likely. */
function callAgain(fault: string): string {
  switch (fault) {
    case 'ECONNREFUSED':
      return 'nobody listens there: is it running, is the port right?'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name has no address: is it right, does the resolver of this host (/etc/resolv.conf) answer?'
    default:
      return 'is it running, is the address right, does a firewall stand between?'
  }
}

/** Why nobody greets, whatever the identity. */
function listenAgain(fault: string): string {
  return fault.startsWith(tongue)
    ? 'another program listens there, or a port that begins with TLS (465): name one that greets with 220'
    : 'no other identity makes it speak either: is it a mail server, without TLS from the first octet (465), is it overloaded? see its log'
}

/** What makes the backend greet when the configured identity does not, found out by trying; null: nothing. */
async function whatWouldDo(behind: Behind, surroundings: Surroundings): Promise<string | null> {
  const configured = behind.backend.identity
  const { greeting, ...others } = surroundings.patience
  const patience = { ...others, greeting: Math.min(greeting, longestTrial) }
  const identities: readonly Identity[] = ['none', 'proxy_v2', 'proxy_v1']
  for (const identity of identities) {
    if (identity === configured || (identity === 'none' && configured === 'xclient')) continue
    const other = { ...behind, backend: { ...behind.backend, identity } }
    const visit = new Visit(other, { ...surroundings, patience }, 'gate')
    const arrival = await visit.introduce()
    visit.leave()
    if ('fault' in arrival) continue
    if (identity !== 'none') return `it greets behind a PROXY header: set identity: ${identity}`
    const xclient = arrival.value.some(line => keywordOf(line) === 'XCLIENT') ? ', or set identity: xclient' : ''
    return `it greets without a header: ${expectHeader(configured)}${xclient}`
  }
  return null
}
