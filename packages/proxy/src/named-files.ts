import { AccessLists } from './access.ts'
import { type GroupPlan, planGroups } from './backends/plan.ts'
import type { Config, Endpoint } from './config/config.ts'
import { lookAtFolder } from './decoy/samples.ts'
import { usesDecoy } from './decoy/use.ts'
import { Certificates, type CertificatesLog } from './tls/certificates.ts'

/** Of the embedded mail server where there is none, or none yet: it is never called. */
export const nowhere: Endpoint = { host: '127.0.0.1', port: 0 }

/** What stands in the files that a configuration names. With `problems` it is not to be started with; `plans` null: there are some. */
interface Files {
  readonly access: AccessLists
  readonly certificates: Certificates
  readonly plans: readonly GroupPlan[] | null
  readonly problems: readonly string[]
}

/** Reads them all before it judges any, so that all that is wrong is told at once. */
export async function readFiles(config: Config, embeddedAt: Endpoint, log: CertificatesLog): Promise<Files> {
  const access = await AccessLists.load(config.access, log)
  const certificates = await Certificates.load(config.tls, log)
  const plans = await planGroups(config, embeddedAt)
  const problems = [...access.problems, ...certificates.problems.map(problem => `tls: ${problem}`)]
  if (typeof plans !== 'string') return { access, certificates, plans, problems }
  return { access, certificates, plans: null, problems: [...problems, plans] }
}

/** What keeps a gate from starting with the files that its configuration names, and what may be a mistake. Makes none. */
export async function lookAtFiles(
  config: Config,
): Promise<{ readonly problems: readonly string[]; readonly warnings: readonly string[] }> {
  const { problems } = await readFiles(config, nowhere, { info() {}, warn() {} })
  const { folder } = config.decoy
  if (folder === undefined || !usesDecoy(config.policy)) return { problems, warnings: [] }
  const found = await lookAtFolder(folder)
  if (typeof found !== 'string')
    return { problems: [...problems, `decoy.folder: ${folder}: ${found.fault}`], warnings: [] }
  const warnings = found === 'missing' ? [`decoy.folder: ${folder} is not there; the gate makes it when it starts`] : []
  return { problems, warnings }
}
