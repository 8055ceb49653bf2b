import type { SessionBackend } from '../backend.ts'
import type { BackendGroup } from '../config/config.ts'
import { formatEndpoint } from '../config/scalars.ts'
import { decoyGroup } from '../session/decoy.ts'
import { Routes } from '../session/routes.ts'
import type { Member } from './choice.ts'
import { commonKeywords } from './common-keywords.ts'
import { Group, type Surroundings } from './group.ts'
import type { GroupPlan } from './plan.ts'
import { Server } from './server.ts'

/**
 * All servers of a configuration, in their groups: the one of `backend` and one for each route. Sessions stay with those that
 * they began with, over a reload too; a server that is in the old configuration and in the new one goes on with its state.
 */
export class Backends {
  /** Each once, in the order written. */
  readonly servers: readonly Server[]
  /** Which group a recipient's domain belongs to. */
  readonly routes: Routes
  private readonly groups: readonly Group[]
  private readonly first: Group
  private readonly routed = new Map<string, Group>()
  /** The decoy's own, which is none of the operator's servers; without one it has no members, and its clients are refused. */
  private readonly decoy: Group

  /** `plans`: that of `backend` first; `before`: what was in force until now. */
  constructor(
    plans: readonly GroupPlan[],
    { backendConnect }: { readonly backendConnect: number },
    around: Surroundings,
    before: Backends | null,
  ) {
    const known = new Map<string, Server>()
    for (const server of before?.servers ?? []) known.set(keyOf(server.backend), server)
    const found = new Map<string, Server>()
    const names = new Map<string, string>()
    const lures = plans.filter(isLure).flatMap(({ servers }) => servers)
    const limit = plans.find(isLure)?.settings.connections ?? 0
    const baits = lures.map(({ backend, weight }): Member => {
      const kept = before?.decoy.members[0]?.server
      return { server: kept ?? new Server('decoy', backend, limit, 0), weight, credit: 0 }
    })
    this.decoy = new Group(baits, { picking: 'order', queue: { length: 0, wait: 0 } }, around)
    const groups = plans
      .filter(plan => !isLure(plan))
      .map(({ domains, settings, servers }) => {
        const members = servers.map(({ backend, weight }): Member => {
          return { server: serverOf(backend, settings, known, found), weight, credit: 0 }
        })
        // What covers the wait covers the connecting too, which may be slow and is no fault of the server's.
        const wait = Math.min(settings.queue.wait, backendConnect / 2)
        const group = new Group(members, { picking: settings.pick, queue: { ...settings.queue, wait } }, around)
        const [name] = domains
        if (name !== undefined) this.routed.set(name, group)
        for (const domain of domains) names.set(domain, name ?? '')
        return group
      })
    const [first] = groups
    if (first === undefined) throw new RangeError('no group of backends')
    this.first = first
    this.groups = groups
    this.routes = new Routes(names)
    this.servers = [...found.values()]
  }

  /** null: the one that no route leads to. */
  group(name: string | null): Group {
    if (name === decoyGroup) return this.decoy
    return (name === null ? undefined : this.routed.get(name)) ?? this.first
  }

  /** Whether every group has a server that answered when last asked. */
  get areUp(): boolean {
    return this.groups.every(group => group.isUp)
  }

  /** Whether the server is the last of some group. */
  isMissed(server: Server): boolean {
    return this.groups.some(group => !group.isUp && group.members.some(member => member.server === server))
  }

  /** Sessions that wait for a connection. */
  get waiting(): number {
    return this.groups.reduce((sum, group) => sum + group.waiting, 0)
  }

  /** Whether any of them is told of the client by XCLIENT. */
  get useXclient(): boolean {
    return this.servers.some(({ backend }) => backend.identity === 'xclient')
  }

  /**
   * What a client may be told before anybody knows where its mail goes: what all that have ever been heard offer, down or up, as
   * one that is down may be back by then, and would refuse for good what it never offered; null: nobody has been heard.
   */
  get keywords(): readonly string[] | null {
    const heard = this.servers.flatMap(({ keywords }) => (keywords === null ? [] : [keywords]))
    return heard.length === 0 ? null : commonKeywords(heard)
  }
}

const isLure = ({ domains }: GroupPlan): boolean => domains[0] === decoyGroup

/** The server as it is in force, or as another group has named it; else a new one. */
function serverOf(
  backend: SessionBackend,
  { connections, probeEvery }: Pick<BackendGroup, 'connections' | 'probeEvery'>,
  known: ReadonlyMap<string, Server>,
  found: Map<string, Server>,
): Server {
  const key = keyOf(backend)
  const again = found.get(key)
  if (again !== undefined) {
    again.probeEvery = Math.min(again.probeEvery, probeEvery)
    return again
  }
  const server = known.get(key) ?? new Server(formatEndpoint(backend.endpoint), backend, connections, probeEvery)
  server.backend = backend
  server.limit = connections
  server.probeEvery = probeEvery
  found.set(key, server)
  return server
}

/** What makes it the same server. */
const keyOf = ({ endpoint, identity }: SessionBackend): string => `${identity} ${formatEndpoint(endpoint)}`
