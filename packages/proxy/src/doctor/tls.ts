import type { TLSSocket } from 'node:tls'
import { keywordOf } from '../smtp/keywords.ts'
import { printable } from '../smtp/octets.ts'
import { certificateFault } from '../tls/backend-tls.ts'
import type { Report } from './report.ts'
import type { Behind, Visit } from './visit.ts'

const point = 'TLS'
export const day = 86_400_000
/** A certificate is to be renewed when it has no more days than this. */
export const soon = 14

/** A backend that has been introduced to. */
export interface Arrival {
  /** The keywords that hold. */
  readonly lines: readonly string[]
  /** TLS was tried and failed, and nothing more can be said in this connection. */
  readonly broken: boolean
}

/** Tries STARTTLS where it is offered, wanted or not; null: there is no going on. */
export async function tellTls(
  report: Report,
  { tls }: Behind,
  visit: Visit,
  lines: readonly string[],
): Promise<Arrival | null> {
  if (!lines.some(line => keywordOf(line) === 'STARTTLS')) {
    if (tls.mode !== 'required') report.ok(point, 'not offered')
    else report.fail(point, 'not offered, and it is required', null, 'give it a certificate, or set tls: opportunistic')
    return tls.mode === 'required' ? null : { lines, broken: false }
  }
  const secured = await visit.secure()
  if ('fault' in secured) {
    const saw = `offered, and failed: ${secured.fault}`
    if (tls.mode === 'required') report.fail(point, saw, secured.ms, 'mend its certificate and key: see its log')
    else report.warn(point, saw, secured.ms, 'the gate goes on in clear; its certificate and key: see its log')
    return tls.mode === 'required' ? null : { lines, broken: true }
  }
  tellCertificate(report, tls.mode, secured.value, secured.ms)
  // A gate that must not trust it says no more, and neither do we.
  if (tls.mode === 'required' && certificateFault(secured.value) !== null) return null
  const hello = await visit.hello()
  if ('fault' in hello) {
    report.fail('EHLO', `inside TLS: ${hello.fault}`, hello.ms, 'see its log')
    return null
  }
  return { lines: tls.mode === 'off' ? lines : hello.value, broken: false }
}

function tellCertificate(report: Report, mode: Behind['tls']['mode'], socket: TLSSocket, ms: number): void {
  const fault = certificateFault(socket)
  const until = new Date(socket.getPeerCertificate().valid_to)
  const left = Math.floor((until.getTime() - Date.now()) / day)
  const cipher = `${socket.getProtocol()} ${socket.getCipher().name}`
  const date = Number.isNaN(until.getTime())
    ? 'no certificate'
    : `certificate until ${until.toISOString().slice(0, 10)}`
  const saw = `${cipher}, ${date}, ${fault === null ? 'verified' : `not verified (${fault})`}`
  switch (mode) {
    case 'off':
      return report.ok(point, `offered, and not used: ${saw}`, ms)
    case 'opportunistic':
      return report.ok(point, saw, ms)
    case 'required':
      if (fault !== null) {
        return report.fail(point, saw, ms, trustAgain(fault, socket))
      }
      if (left < soon) return report.warn(point, saw, ms, `renew it: ${left} days are left`)
      return report.ok(point, saw, ms)
    default:
      return mode satisfies never
  }
}

/** What makes a certificate good that is not. */
function trustAgain(fault: string, socket: TLSSocket): string {
  switch (fault) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = printable(socket.getPeerCertificate().subjectaltname ?? 'none', 200)
      return `set tls_name to one of its names (${names}), or give it another certificate`
    }
    case 'CERT_HAS_EXPIRED':
      return 'renew it'
    default:
      return 'name the CA that has signed it (tls_ca; its own file where it signed itself), or give it another certificate'
  }
}
