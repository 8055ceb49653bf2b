import type { Config } from '../config/config.ts'
import { formatEndpoint } from '../config/scalars.ts'
import { loadBackendTls, noTls } from '../tls/backend-tls.ts'
import { examineBackend } from './backend.ts'
import { examineLists, examineResolvers } from './dns.ts'
import { examineHost } from './host.ts'
import { examineRedis } from './redis.ts'
import { type Finding, Report } from './report.ts'
import type { Behind, Surroundings } from './visit.ts'

/** The most that one reply is waited for, ms, whatever a session would wait. */
const longestReply = 30_000

/**
 * Looks at all that a gate with this configuration needs, as the gate would, and tells what it found; it never rejects for
 * what is wrong out there. Nothing is sent to anybody: every dialogue ends before DATA.
 */
export async function diagnose(config: Config, recipient: string | null): Promise<readonly Finding[]> {
  const { hostname, recipientDomains, timeouts, backend, extensions } = config
  const keywords = { auth: backend.auth, withhold: extensions.withhold }
  const reply = Math.min(timeouts.backendReply, longestReply)
  const patience = { connect: timeouts.backendConnect, greeting: timeouts.backendGreeting, reply }
  const surroundings: Surroundings = { hostname, recipientDomains, recipient, patience, keywords }
  const reports: Report[] = []
  // One after the other, so that the times are those of one step and not of all at once.
  for (const behind of await backendsOf(config)) reports.push(await examineBackend(behind, surroundings))
  if (backend.servers === null) reports.push(embedded(config))
  if (config.store.kind === 'redis') reports.push(await examineRedis(config.store))
  if (needsDns(config)) reports.push(await examineResolvers(config.dnsbl))
  reports.push(...(await examineLists(config.dnsbl)), await examineHost(config))
  return reports.flatMap(({ findings }) => findings)
}

/** The servers that are other programs: those of the backend and of each route, each once. */
async function backendsOf({ backend, routes }: Config): Promise<readonly Behind[]> {
  const found = new Map<string, Behind>()
  for (const group of [backend, ...routes.map(route => route.backend)]) {
    for (const { address: endpoint } of group.servers ?? []) {
      const name = formatEndpoint(endpoint)
      const loaded = await loadBackendTls(group, endpoint)
      // A file that cannot be read keeps the gate from starting; here the system's CAs stand in, and the report goes on.
      const tls = typeof loaded === 'string' ? { ...noTls, mode: 'required' as const, name: endpoint.host } : loaded
      found.set(name, { name, backend: { endpoint, identity: group.identity }, tls })
    }
  }
  return [...found.values()]
}

function embedded({ backend }: Config): Report {
  const report = new Report('backend embedded')
  report.ok('reachable', `it starts with the gate, and delivers to ${backend.maildir}`)
  return report
}

/** For lists, and for the names of clients that XCLIENT tells. */
const needsDns = ({ dnsbl, backend, routes }: Config): boolean =>
  dnsbl.zones.length > 0 || [backend, ...routes.map(route => route.backend)].some(group => group.identity === 'xclient')
