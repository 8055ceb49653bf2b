import { writtenGroups } from '../backends/plan.ts'
import type { Config } from '../config/config.ts'
import { examineCertificates } from './certificates.ts'
import { examineLists, examineResolvers } from './dns.ts'
import { examineHost } from './host.ts'
import { examineRedis } from './redis.ts'
import type { Finding, Report } from './report.ts'
import { examineServers } from './servers.ts'
import type { Surroundings } from './visit.ts'

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
  reports.push(...(await examineServers(config, surroundings)), ...(await examineCertificates(config)))
  if (config.store.kind === 'redis') reports.push(await examineRedis(config.store))
  if (needsDns(config)) reports.push(await examineResolvers(config.dnsbl))
  reports.push(...(await examineLists(config.dnsbl)), await examineHost(config))
  return reports.flatMap(({ findings }) => findings)
}

/** For lists, and for the names of clients that XCLIENT tells. */
const needsDns = (config: Config): boolean =>
  config.dnsbl.zones.length > 0 || writtenGroups(config).some(({ settings }) => settings.identity === 'xclient')
