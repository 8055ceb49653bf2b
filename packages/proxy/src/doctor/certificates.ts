import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { Config, KeyPair, Tls } from '../config/config.ts'
import { type Certificate, readPair } from '../tls/certificate.ts'
import { Certificates } from '../tls/certificates.ts'
import { readPem } from '../tls/pem.ts'
import { Report } from './report.ts'
import { day, soon } from './tls.ts'

/** Looks at the gate's own certificates, as clients will be shown them. */
export async function examineCertificates({ tls, hostname }: Config): Promise<readonly Report[]> {
  const reports: Report[] = []
  for (const pair of tls.certificates) reports.push(await examinePair(pair, tls))
  if (reports.length > 0) reports.push(await examineName(tls, hostname))
  return reports
}

async function examinePair(pair: KeyPair, tls: Tls): Promise<Report> {
  const report = new Report(`certificate ${pair.cert}`)
  const { found } = await readPair(pair, tls)
  if (typeof found === 'string') {
    report.fail('files', found, null, 'mend it: the gate does not start with it')
    return report
  }
  report.ok('files', `read, and ${pair.key} is its key`)
  const chain = certificatesIn(await readPem(pair.cert))
  tellDates(report, chain)
  tellNames(report, found)
  tellChain(report, chain)
  return report
}

/** The certificates of a file, in its order. */
function certificatesIn(text: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

/** Those of its chain count as well: with an intermediate that is over nobody can verify it. */
function tellDates(report: Report, chain: readonly X509Certificate[]): void {
  const point = 'dates'
  const now = Date.now()
  const begin = Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom)))
  const end = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)))
  const left = Math.floor((end - now) / day)
  const date = (at: number) => new Date(at).toISOString().slice(0, 10)
  const renewal = 'renew it: the gate reads it again by itself'
  if (end < now) return report.fail(point, `over since ${date(end)}`, null, renewal)
  if (begin > now)
    return report.fail(point, `not valid before ${date(begin)}`, null, 'is the clock of this host right?')
  const saw = `until ${date(end)}, ${left} days are left`
  if (left < soon) report.warn(point, saw, null, renewal)
  else report.ok(point, saw)
}

function tellNames(report: Report, { names }: Certificate): void {
  const point = 'names'
  if (names.length > 0) return report.ok(point, names.join(' '))
  report.warn(point, 'none', null, 'clients look for DNS names in subjectAltName, and nowhere else (RFC 6125)')
}

/** Each signed by the next, so that a client can go from the first to a root that it knows (RFC 5246 7.4.2). */
function tellChain(report: Report, chain: readonly X509Certificate[]): void {
  const point = 'chain'
  const saw = chain.map(nameOf).join(' < ')
  const stray = chain.find((certificate, i) => i > 0 && chain[i - 1]?.checkIssued(certificate) === false)
  if (stray !== undefined) {
    const advice = `${nameOf(stray)} has not signed what stands before it: first its own certificate, then who signed each`
    return report.warn(point, `out of order: ${saw}`, null, advice)
  }
  const last = chain.at(-1)
  if (last === undefined || last.checkIssued(last)) {
    return report.ok(point, chain.length === 1 ? `signed by itself: ${saw}` : saw)
  }
  const roots = rootCertificates.map(text => new X509Certificate(text))
  if (roots.some(root => last.checkIssued(root))) return report.ok(point, saw)
  const advice =
    'put the intermediate certificates behind it (fullchain.pem), unless its signer is a root that clients have'
  report.warn(point, `${saw}, whose signer is not there`, null, advice)
}

/** The common name, as people know it; else all of the subject. */
function nameOf({ subject = '' }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll('\n', ' ')
}

/** What a client is shown that asks for the name of this host, by the gate's own choice. */
async function examineName(tls: Tls, hostname: string): Promise<Report> {
  const report = new Report('certificates')
  const certificates = await Certificates.load(tls, { info: () => {}, warn: () => {} })
  const point = 'hostname'
  if (certificates.problems.length > 0) return report
  if (certificates.forName(hostname) !== null) report.ok(point, `one is for ${hostname}`)
  else {
    const advice = 'those who check (MTA-STS, RFC 8461) want the name in your MX: is that another than hostname?'
    report.warn(point, `none is for ${hostname}`, null, advice)
  }
  return report
}
