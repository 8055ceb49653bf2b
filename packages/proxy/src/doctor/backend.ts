import type { Identity } from '../config/config.ts'
import { keywordOf } from '../smtp/keywords.ts'
import { noTls } from '../tls/backend-tls.ts'
import { examineIdentity, expectHeader } from './identity.ts'
import { keywordText } from './keyword.ts'
import { Report } from './report.ts'
import { type Arrival, tellTls } from './tls.ts'
import { type Behind, type Surroundings, Visit } from './visit.ts'

/** The most that a trial with another identity waits for a greeting, ms: a server that waits for a header is silent. */
const longestTrial = 5_000

/** Connects to a backend as the gate would, and reports what it finds, step by step. */
export async function examineBackend(behind: Behind, surroundings: Surroundings): Promise<Report> {
  const report = new Report(`backend ${behind.name}, identity ${behind.backend.identity}`)
  const visit = new Visit(behind, surroundings, 'gate')
  const arrival = await arrive(report, behind, surroundings, visit)
  if (arrival !== null) {
    report.ok('keywords', keywordText(arrival.lines, surroundings.keywords))
    if (!arrival.broken) await leave(report, visit)
  }
  visit.close()
  // Where TLS was tried and failed, the gate goes on without, and so do we.
  const next = arrival?.broken === true ? { ...behind, tls: noTls } : behind
  if (arrival !== null) await examineIdentity(report, next, surroundings, arrival.lines)
  return report
}

/** From the connection to the last EHLO; null: there is no going on. */
async function arrive(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  visit: Visit,
): Promise<Arrival | null> {
  const connected = await visit.connected()
  if ('fault' in connected) {
    const advice = 'is it running, is the address right, does a firewall stand between?'
    report.fail('reachable', connected.fault, connected.ms, advice)
    return null
  }
  report.ok('reachable', 'connected', connected.ms)
  const greeting = await visit.greeting()
  if ('fault' in greeting) {
    report.fail('greeting', greeting.fault, greeting.ms, await whatWouldDo(behind, surroundings))
    return null
  }
  report.ok('greeting', greeting.value.text.trimEnd(), greeting.ms)
  const hello = await visit.hello()
  if ('fault' in hello) {
    // A server that was not told of the header greets, and stumbles over it then.
    report.fail('EHLO', hello.fault, hello.ms, await whatWouldDo(behind, surroundings))
    return null
  }
  report.ok('EHLO', `250 ${visit.welcome}`, hello.ms)
  return tellTls(report, behind, visit, hello.value)
}

async function leave(report: Report, visit: Visit): Promise<void> {
  const quit = await visit.quit()
  if ('fault' in quit) report.warn('QUIT', quit.fault, quit.ms, 'it should answer 221 before it closes')
  else report.ok('QUIT', quit.value.text.trimEnd(), quit.ms)
}

/** What makes the backend greet when the configured identity does not: found out by trying. */
async function whatWouldDo(behind: Behind, surroundings: Surroundings): Promise<string> {
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
  return 'it greets with no identity at all: is it a mail server, is it overloaded? see its log'
}
