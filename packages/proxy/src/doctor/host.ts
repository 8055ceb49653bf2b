import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { AccessLists } from '../access.ts'
import type { Config, Endpoint } from '../config/config.ts'
import { formatEndpoint } from '../config/scalars.ts'
import { sharedBy } from '../store/memory/client-file.ts'
import { Report } from './report.ts'
import { timed } from './stopwatch.ts'

/** Descriptors that are no connection: listeners, the log, Redis, DNS. */
const spare = 100
/** For so long, ms, it is still said that two gates were found to write one file. */
const sharedLately = 300_000

/** What the gate needs of the machine it runs on. */
export async function examineHost(config: Config): Promise<Report> {
  const report = new Report('this host')
  const { hostname } = config
  if (hostname.includes('.')) report.ok('hostname', hostname)
  else {
    const advice = 'set hostname to the full name that the DNS has for this host: clients see it (RFC 5321 4.1.1.1)'
    report.warn('hostname', `${hostname} has no dot`, null, advice)
  }
  const gateRuns = await answers(config.admin.listen)
  for (const where of config.listen) await examinePort(report, where, gateRuns)
  await examineDescriptors(report, config.limits.connections)
  await examineAccess(report, config)
  await examineFile(report, config)
  return report
}

/** Whether a gate answers on the admin port. */
async function answers(admin: Endpoint | null): Promise<boolean> {
  if (admin === null) return false
  const endpoint = admin.host === '::' ? `127.0.0.1:${admin.port}` : formatEndpoint(admin)
  const answer = await timed(async () => {
    const response = await fetch(`http://${endpoint}/readyz`, { signal: AbortSignal.timeout(2_000) })
    return /^ready$|^draining$|^at the limit/m.test(await response.text())
  })
  return 'value' in answer && answer.value
}

async function examinePort(report: Report, where: Endpoint, gateRuns: boolean): Promise<void> {
  const name = `port ${formatEndpoint(where)}`
  const bound = await timed(() => bindOnce(where))
  if (!('fault' in bound)) return report.ok(name, 'free')
  switch (bound.fault) {
    case 'EADDRINUSE':
      if (gateRuns) return report.ok(name, 'in use; a gate answers on the admin port')
      return report.warn(
        name,
        'in use',
        null,
        'by a gate whose admin port is off, by systemd for it, or by another program',
      )
    case 'EACCES':
      return report.warn(
        name,
        'not for this user',
        null,
        'let systemd open it (deploy/systemd), or give CAP_NET_BIND_SERVICE',
      )
    default:
      return report.fail(name, bound.fault, null, 'is this address one of this host?')
  }
}

function bindOnce({ host, port }: Endpoint): Promise<void> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

/** A client has one descriptor, and one more once the backend is opened for it. Linux tells the limit (proc(5)). */
async function examineDescriptors(report: Report, connections: number): Promise<void> {
  const limits = await timed(() => readFile('/proc/self/limits', 'latin1'))
  const found = 'value' in limits ? /^Max open files\s+(\d+)/m.exec(limits.value)?.[1] : undefined
  if (found === undefined) return
  const need = 2 * connections + spare
  const saw = `${found}, of which limits.connections may need ${need}`
  if (Number(found) >= need) report.ok('descriptors', saw)
  else report.warn('descriptors', saw, null, 'LimitNOFILE= in the unit, ulimit -n, or fewer limits.connections')
}

/** Two gates that write one file notice it as they save, once a minute if they have learnt anything. */
async function examineFile(report: Report, { store }: Config): Promise<void> {
  if (store.kind !== 'memory' || store.file === null) return
  const found = await timed(() => stat(sharedBy(store.file ?? '')))
  if ('fault' in found || Date.now() - found.value.mtimeMs > sharedLately) return
  const advice = 'give each gate a store.file of its own, or let them share a Redis'
  report.warn('store file', `${store.file} is written by two gates`, null, advice)
}

async function examineAccess(report: Report, { access }: Config): Promise<void> {
  if (access.allowFiles.length + access.denyFiles.length === 0) return
  const silent = { info: () => {}, warn: () => {} }
  const loaded = await timed(() => AccessLists.load(access, silent))
  if ('fault' in loaded) throw new Error(loaded.fault)
  const { problems, entries } = loaded.value
  for (const problem of problems) report.fail('access file', problem, null, 'mend it: the gate does not start with it')
  if (problems.length === 0) report.ok('access files', `${entries.allow} allowed, ${entries.deny} denied`, loaded.ms)
}
