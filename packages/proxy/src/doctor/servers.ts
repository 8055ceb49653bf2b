import { type WrittenGroup, writtenGroups } from '../backends/plan.ts'
import type { Config } from '../config/config.ts'
import { formatEndpoint } from '../config/scalars.ts'
import { loadBackendTls, noTls } from '../tls/backend-tls.ts'
import { type Examination, examineBackend } from './backend.ts'
import { commonText } from './keyword.ts'
import { isWell, Report } from './report.ts'
import type { Behind, Surroundings } from './visit.ts'

/** Servers that stand in for each other. */
interface Group {
  /** What is to be said of all of them together. */
  readonly report: Report
  /** Empty: the embedded MTA. */
  readonly servers: readonly Behind[]
}

/**
 * Looks at every server of every group, each once, and at what they come to together. One that is down is a warning where each
 * of its groups has another without a fault; one that is there and has to be set otherwise is a fault whoever stands beside it.
 */
export async function examineServers(config: Config, surroundings: Surroundings): Promise<readonly Report[]> {
  const reports: Report[] = []
  const groups: Group[] = []
  const found = new Map<string, Examination>()
  for (const written of writtenGroups(config)) {
    const group = await groupOf(written)
    groups.push(group)
    if (group.servers.length === 0) reports.push(embedded(config))
    // One after the other, so that the times are those of one step and not of all at once.
    for (const behind of group.servers) {
      if (found.has(behind.name)) continue
      const examination = await examineBackend(behind, surroundings)
      found.set(behind.name, examination)
      reports.push(examination.report)
    }
    reports.push(group.report)
  }
  const members = groups.map(({ servers }) => servers.flatMap(({ name }) => found.get(name) ?? []))
  soften([...found.values()], members)
  groups.forEach(({ report }, i) => {
    tellMembers(report, members[i] ?? [])
  })
  const all = new Report('all servers')
  tellKeywords(all, members, surroundings)
  return [...reports, all]
}

async function groupOf({ key, domains, settings }: WrittenGroup): Promise<Group> {
  const report = new Report(domains.length === 0 ? key : `${key}, for ${someOf(domains)}`)
  const servers: Behind[] = []
  for (const { address: endpoint } of settings.servers ?? []) {
    const loaded = await loadBackendTls(settings, endpoint)
    if (typeof loaded === 'string' && servers.length === 0) {
      report.fail('tls_ca', loaded, null, 'mend it: the gate does not start with it')
    }
    // Without the CAs no certificate can be judged; all else can.
    const tls = typeof loaded === 'string' ? { ...noTls, mode: 'opportunistic' as const, name: endpoint.host } : loaded
    servers.push({ key, name: formatEndpoint(endpoint), backend: { endpoint, identity: settings.identity }, tls })
  }
  return { report, servers }
}

/** A route may have thousands. */
const mostNamed = 3

function someOf(domains: readonly string[]): string {
  const others = domains.length - mostNamed
  return `${domains.slice(0, mostNamed).join(' ')}${others > 0 ? ` and ${others} more` : ''}`
}

function embedded({ backend }: Config): Report {
  const report = new Report('backend embedded')
  report.ok('reachable', `it starts with the gate, and delivers to ${backend.maildir}`)
  return report
}

function soften(found: readonly Examination[], groups: readonly (readonly Examination[])[]): void {
  // Who has a fault is found out before any is softened: two that are down do not stand in for each other.
  const fit = new Set(found.filter(({ report }) => isWell(report.findings)))
  for (const examination of found) {
    const isMissed = groups.some(group => group.includes(examination) && !group.some(other => fit.has(other)))
    if (examination.isDown && !isMissed) examination.report.soften()
  }
}

function tellMembers(report: Report, members: readonly Examination[]): void {
  if (members.length < 2) return
  const point = 'servers'
  const absent = members.filter(({ lines }) => lines === null).map(({ behind }) => behind.name)
  if (absent.length === members.length) {
    return report.fail(
      point,
      `none of ${members.length} can be used`,
      null,
      'until one can, its mail is deferred: clients hear 451',
    )
  }
  const names = absent.length === 0 ? '' : `; not ${absent.join(' ')}`
  report.ok(point, `${members.length - absent.length} of ${members.length} can be used${names}`)
}

/** Clients are offered what all servers have, whatever group they are of: see backends.ts. */
function tellKeywords(
  report: Report,
  groups: readonly (readonly Examination[])[],
  { keywords: policy }: Surroundings,
): void {
  const offersOf = (members: readonly Examination[]) =>
    new Map(members.flatMap(({ behind, lines }) => (lines === null ? [] : [[behind.name, lines] as const])))
  const offers = offersOf(groups.flat())
  // What the embedded MTA offers is known when it runs.
  if (offers.size < 2 || groups.some(members => members.length === 0)) return
  const { text } = commonText(offers, policy)
  const point = 'keywords'
  // Servers for different domains may well be different programs.
  if (!groups.some(members => commonText(offersOf(members), policy).differ)) return report.ok(point, text)
  report.warn(point, text, null, 'servers of one group that stand in for each other had better be set up alike')
}
