import type { SessionBackend } from '../backend.ts'
import type { BackendGroup, Config, Endpoint } from '../config/config.ts'
import { decoyGroup } from '../session/decoy.ts'
import { loadBackendTls, noTls } from '../tls/backend-tls.ts'

/** A group as it is written. */
export interface WrittenGroup {
  /** Where: `backend`, `routes[0].backend`. */
  readonly key: string
  /** As in a plan. */
  readonly domains: readonly string[]
  readonly settings: BackendGroup
}

/** The groups of a configuration, that of `backend` first. */
export function writtenGroups({ backend, routes }: Config): readonly WrittenGroup[] {
  return [
    { key: 'backend', domains: [], settings: backend },
    ...routes.map((route, i) => ({ key: `routes[${i}].backend`, domains: route.domains, settings: route.backend })),
  ]
}

/** A group as configured, with all that was to be read for it. */
export interface GroupPlan {
  /** Those of the recipients that it is for; none: all that no other group is for. */
  readonly domains: readonly string[]
  readonly settings: BackendGroup
  readonly servers: readonly { readonly backend: SessionBackend; readonly weight: number }[]
}

/** With the group of the decoy, which listens on a port of the loopback; null: there is none. */
export function withDecoy(
  plans: readonly GroupPlan[],
  { backend, decoy }: Config,
  running: { readonly port: number } | null,
): readonly GroupPlan[] {
  if (running === null) return plans
  const settings: BackendGroup = { ...backend, connections: decoy.sessions, queue: { length: 0, wait: 0 } }
  const endpoint = { host: '127.0.0.1', port: running.port }
  const server = { backend: { endpoint, identity: 'proxy_v1', tls: noTls } as const, weight: 1 }
  return [...plans, { domains: [decoyGroup], settings, servers: [server] }]
}

/** `embedded`: the MTA of the gate's own, where no server is named. A text says what file could not be read. */
export async function planGroups(config: Config, embedded: Endpoint): Promise<GroupPlan[] | string> {
  const plans: GroupPlan[] = []
  for (const { key, domains, settings } of writtenGroups(config)) {
    const servers = []
    for (const { address: endpoint, weight } of settings.servers ?? [{ address: embedded, weight: 1 }]) {
      const tls = await loadBackendTls(settings, endpoint)
      if (typeof tls === 'string') return `${key}.tls_ca: ${tls}`
      // smtp-server reads version 1 of the PROXY protocol only.
      const identity = settings.servers === null ? 'proxy_v1' : settings.identity
      servers.push({ backend: { endpoint, identity, tls }, weight })
    }
    plans.push({ domains, settings, servers })
  }
  return plans
}
