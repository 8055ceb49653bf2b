import { readFileSync } from 'node:fs'

/** A host and a port. */
export interface Host {
  readonly host: string
  readonly port: number
}

/** Where Redis is: one server; the master that Sentinels know by a name; a cluster, of which a few nodes are enough. */
export type RedisTopology =
  | { readonly url: string }
  | { readonly sentinels: readonly Host[]; readonly masterName: string; readonly sentinelPassword: string | null }
  | { readonly cluster: readonly Host[] }

/** Names of PEM files, read when the gate starts; null: what Node trusts, and no certificate of our own. */
export interface RedisTls {
  readonly ca: string | null
  readonly certificate: string | null
  readonly key: string | null
  /** The name in the servers' certificates; null: the host that is called. */
  readonly serverName: string | null
}

/** What node:tls takes. */
export interface TlsMaterial {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly servername?: string
}

/** Throws, with the name of the file, where one cannot be read. */
export function readTls({ ca, certificate, key, serverName }: RedisTls): TlsMaterial {
  return {
    ...(ca === null ? {} : { ca: readFileSync(ca) }),
    ...(certificate === null ? {} : { cert: readFileSync(certificate) }),
    ...(key === null ? {} : { key: readFileSync(key) }),
    ...(serverName === null ? {} : { servername: serverName }),
  }
}

/** For people: hosts and ports, and never the rest of a URL, which may hold a password. */
export function topologyText(topology: RedisTopology): string {
  const list = (hosts: readonly Host[]) => hosts.map(({ host, port }) => `${host}:${port}`).join(', ')
  if ('sentinels' in topology) return `${topology.masterName} of sentinels ${list(topology.sentinels)}`
  if ('cluster' in topology) return `cluster ${list(topology.cluster)}`
  const { hostname, port } = new URL(topology.url)
  return `${hostname}:${port === '' ? 6379 : port}`
}
