import { type Address, address4 } from '@sallyport/rules'
import type { Identity } from '../config/config.ts'
import { keywordOf } from '../smtp/keywords.ts'
import { relayed, relayRecipients, reportRelay } from './relay.ts'
import type { Report } from './report.ts'
import type { Timed } from './stopwatch.ts'
import { type Attempt, type Behind, type Surroundings, Visit } from './visit.ts'

/** A client that nobody trusts: of TEST-NET-3 (RFC 5737), which examples of trusted networks use least. */
const stranger = address4(0xcb00_714d)
/** A client that servers trust where they trust any. */
const trusted = address4(0x7f00_0001)

export const point = 'identity'
const lookInLog = `look for ${stranger.text} in its log`
/** What makes a server expect the header of the gate. */
export const expectHeader = (identity: Identity): string => (identity === 'xconnect' ? expectXconnect : expectProxy)

const expectXconnect =
  'build it with _FFR_XCNCT, and let its ruleset x_connect say yes there (deploy/backends/sendmail)'
const expectProxy =
  'let that port expect the header (Postfix: smtpd_upstream_proxy_protocol=haproxy; Exim: hosts_proxy; OpenSMTPD: proxy-v2)'

/**
 * Whether the backend believes the gate about who the client is, and whether it refuses to relay for a stranger. `lines` are
 * its keywords.
 *
 * XCLIENT is answered, and so proven. A PROXY header is not: the doctor claims to be a stranger, and sees whether the reply
 * to EHLO names it (Exim, OpenSMTPD and Sendmail greet a client by its address); else whether a stranger is treated otherwise
 * than 127.0.0.1. Where the two are treated alike, only its log can tell.
 */
export async function examineIdentity(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  lines: readonly string[],
): Promise<void> {
  const { identity } = behind.backend
  switch (identity) {
    case 'none':
      return asGate(report, behind, surroundings)
    case 'xclient':
      return byXclient(report, behind, surroundings, lines)
    case 'proxy_v1':
    case 'proxy_v2':
    case 'xconnect':
      return byHeader(report, behind, surroundings)
    default:
      return identity satisfies never
  }
}

async function asGate(report: Report, behind: Behind, surroundings: Surroundings): Promise<void> {
  report.warn(
    point,
    'none: the backend takes every client for the gate',
    null,
    'its log, SPF and limits see no client: use proxy_v2, proxy_v1, xclient or xconnect if it knows one of them',
  )
  const visit = new Visit(behind, surroundings, 'gate')
  const arrival = await visit.introduce()
  if ('fault' in arrival) {
    visit.close()
    return report.fail(
      'relay',
      `not tried: ${arrival.fault}`,
      arrival.ms,
      'see its log: it takes one connection and not the next',
    )
  }
  await relayFor(report, behind, surroundings, visit, 'the gate itself')
}

async function byXclient(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  lines: readonly string[],
): Promise<void> {
  if (!lines.some(line => keywordOf(line) === 'XCLIENT')) {
    const advice = 'name the address of the gate there (Postfix: smtpd_authorized_xclient_hosts)'
    return report.fail(point, 'XCLIENT is not offered to the gate', null, advice)
  }
  const visit = new Visit(behind, surroundings, 'gate')
  const arrival = await visit.introduce()
  const claim = 'fault' in arrival ? arrival : await visit.claim(stranger)
  if ('fault' in claim) {
    visit.close()
    return report.fail(point, `XCLIENT ADDR=${stranger.text}: ${claim.fault}`, claim.ms, 'see its log')
  }
  report.ok(point, `XCLIENT ADDR=${stranger.text} was accepted with 220`, claim.ms)
  await relayFor(report, behind, surroundings, visit, stranger.text)
}

async function byHeader(report: Report, behind: Behind, surroundings: Surroundings): Promise<void> {
  const visit = new Visit(behind, surroundings, stranger)
  const arrival = await visit.introduce()
  if ('fault' in arrival) {
    visit.close()
    // The gate's own header was taken before this is asked.
    return report.warn(
      point,
      `as ${stranger.text}: ${arrival.fault}`,
      arrival.ms,
      `it may refuse that address: ${lookInLog}`,
    )
  }
  const { welcome } = visit
  const named = addressIn(welcome)
  if (named !== null && named !== stranger.text) {
    visit.leave()
    return report.fail(
      point,
      `as ${stranger.text} it greets ${named}: ${welcome}`,
      arrival.ms,
      expectHeader(behind.backend.identity),
    )
  }
  if (named !== null) report.ok(point, `it greets the client that the header names: ${welcome}`, arrival.ms)
  const attempts = await visit.relay(relayRecipients(surroundings))
  visit.leave()
  if (named === null) await compare(report, behind, surroundings, arrival.ms, attempts)
  tellRelay(report, behind, surroundings, stranger.text, attempts)
}

/** Whether a client that is trusted is treated otherwise than the stranger was. */
async function compare(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  ms: number,
  attempts: Timed<readonly Attempt[]>,
): Promise<void> {
  const accepted = 'value' in attempts && relayed(attempts.value) !== undefined
  if ('value' in attempts && !accepted && (await mayRelay(behind, surroundings, trusted))) {
    return report.ok(point, `it relays for ${trusted.text} and not for ${stranger.text}: it believes the header`, ms)
  }
  report.ok(point, 'the header is accepted; whether it is believed cannot be told from replies', ms, lookInLog)
}

async function mayRelay(behind: Behind, surroundings: Surroundings, client: Address): Promise<boolean> {
  const visit = new Visit(behind, surroundings, client)
  const arrival = await visit.introduce()
  const attempts = 'fault' in arrival ? arrival : await visit.relay(relayRecipients(surroundings))
  visit.leave()
  return 'value' in attempts && relayed(attempts.value) !== undefined
}

async function relayFor(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  visit: Visit,
  who: string,
): Promise<void> {
  const attempts = await visit.relay(relayRecipients(surroundings))
  visit.leave()
  tellRelay(report, behind, surroundings, who, attempts)
}

function tellRelay(
  report: Report,
  behind: Behind,
  surroundings: Surroundings,
  who: string,
  attempts: Timed<readonly Attempt[]>,
): void {
  if ('fault' in attempts) return report.fail('relay', `as ${who}: ${attempts.fault}`, attempts.ms, 'see its log')
  reportRelay(report, behind, surroundings, who, attempts.value, attempts.ms)
}

/** `mail.example.com Hello gate [192.0.2.77]`, `… [IPv6:2001:db8::1], pleased to meet you`; null: it names none. */
function addressIn(welcome: string): string | null {
  return /\[(?:IPv6:)?([0-9a-f.:]+)\]/i.exec(welcome)?.[1] ?? null
}
