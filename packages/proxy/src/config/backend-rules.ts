import type { Config, Endpoint } from './config.ts'
import { type Path, pathText } from './path.ts'
import { formatEndpoint } from './scalars.ts'
import { keys } from './schema.ts'
import { at, type Remark, read } from './written.ts'

const { address: first } = keys.backend.in.shape
const { address: other } = keys.routeBackend.in.shape
const { listen, recipient_domains } = keys.file

/** A backend as it was written: `backend` itself, or that of a route. */
interface Written {
  readonly path: Path
  readonly value: unknown
}

/** What the keys of the backends demand of each other, as `remarksOn` has it. */
export function backendRemarks(written: unknown): Remark[] {
  const backends = backendsOf(written)
  return [
    ...backends.flatMap(backend => [
      ...mayRelay(backend, written),
      ...mayRelayUnseen(backend, written),
      ...addressAndServers(backend),
      ...serverTwice(backend),
      ...callsItself(backend, written),
    ]),
    ...serverInTwo(backends),
    ...domainTwice(written),
  ]
}

function backendsOf(written: unknown): Written[] {
  const routes = at(written, 'routes')
  const ofRoutes = Array.isArray(routes) ? routes : []
  return [
    { path: ['backend'], value: at(written, 'backend') },
    ...ofRoutes.map((route, i) => ({ path: ['routes', i, 'backend'], value: at(route, 'backend') })),
  ]
}

const isFirst = ({ path }: Written): boolean => path.length === 1

/** The servers of a backend, in whichever form, with the place of each; what is at fault by itself is left out. */
function serversOf({ path, value }: Written): { readonly address: Endpoint; readonly path: Path }[] {
  const places: (readonly [path: Path, written: unknown])[] = []
  if (typeof value === 'string') places.push([path, value])
  const address = at(value, 'address')
  if (address !== undefined) places.push([[...path, 'address'], address])
  const servers = at(value, 'servers')
  if (Array.isArray(servers)) {
    servers.forEach((server, i) => {
      const here = [...path, 'servers', i]
      if (typeof server === 'string') places.push([here, server])
      else places.push([[...here, 'address'], at(server, 'address')])
    })
  }
  return places.flatMap(([where, text]) => {
    const found = other.safeParse(text).data
    return found === undefined ? [] : [{ address: found, path: where }]
  })
}

/** Every client has the address of the gate there, and nobody has said that the backend gives it no rights. */
function hidesClients(backend: Written): boolean {
  const { value } = backend
  if (at(value, 'identity') !== 'none') return false
  if (isFirst(backend) && at(value, 'servers') === undefined && read(first, value, 'address') === null) return false
  return at(value, 'i_know_the_backend_sees_the_gate') !== true
}

/** An MTA trusts its own host and network; behind a gate that hides the client, every client would be trusted so. */
function mayRelay(backend: Written, written: unknown): Remark[] {
  const { path } = backend
  if (!hidesClients(backend)) return []
  // A list with a fault is a list all the same: the fault is told by itself.
  const domains = read(recipient_domains, written, 'recipient_domains')
  if (domains === undefined || domains.length > 0) return []
  const text =
    ', so that the backend sees the address of the gate for every client, and is an open relay if it trusts that address ' +
    '(mynetworks): use proxy_v2, proxy_v1, xclient or xconnect, or set recipient_domains, ' +
    'or i_know_the_backend_sees_the_gate: true'
  return [{ path: [...path, 'identity'], text }]
}

/** Under TLS that is the backend's own the gate sees no recipient, and so asks for no domain. No route is taken there either. */
function mayRelayUnseen(backend: Written, written: unknown): Remark[] {
  const entries = at(written, 'listen')
  if (!isFirst(backend) || !hidesClients(backend) || !Array.isArray(entries)) return []
  const text =
    ', where recipient_domains is not asked, so that a backend with identity none is an open relay if it trusts the address of ' +
    'the gate: use starttls, or another identity, or i_know_the_backend_sees_the_gate: true'
  return entries.flatMap((entry: unknown, i) => {
    return at(entry, 'tls') === 'pass_through' ? [{ path: ['listen', i, 'tls'], text }] : []
  })
}

function addressAndServers(backend: Written): Remark[] {
  const { path, value } = backend
  const [address, servers] = [at(value, 'address'), at(value, 'servers')]
  if (address !== undefined && servers !== undefined) {
    return [{ path: [...path, 'address'], text: ' beside servers: put it among them, or take one of the two out' }]
  }
  if (isFirst(backend) || typeof value !== 'object' || value === null) return []
  if (address !== undefined || servers !== undefined) return []
  return [{ path, text: ' with neither address nor servers: write one of them' }]
}

function serverTwice(backend: Written): Remark[] {
  const servers = serversOf(backend)
  const names = servers.map(({ address }) => formatEndpoint(address))
  return servers.flatMap(({ path }, i) => {
    const text = ' a second time: keep one of them, with the weight of both'
    return names.indexOf(names[i] ?? '') === i ? [] : [{ path, text }]
  })
}

const everywhere = ['::', '0.0.0.0']

function callsItself(backend: Written, written: unknown): Remark[] {
  const ours = read(listen, written, 'listen') ?? []
  return serversOf(backend).flatMap(({ address, path }) => {
    const isLocal = /^127\.|^::1$|^localhost$/.test(address.host)
    const itself = ours.find(({ host, port }) => {
      return port === address.port && (host === address.host || (isLocal && everywhere.includes(host)))
    })
    return itself === undefined
      ? []
      : [{ path, text: ', where the gate itself listens: name the mail server behind it' }]
  })
}

/** Keys that say how a server is to be spoken with, and so must be the same wherever it is named. */
const ofServer = ['identity', 'connections', 'tls', 'tls_ca', 'tls_name'] as const

/** A server has one state and one count of connections, whichever group asks for it. */
function serverInTwo(backends: readonly Written[]): Remark[] {
  const seen = new Map<string, Written>()
  return backends.flatMap(backend => {
    return serversOf(backend).flatMap(({ address, path }) => {
      const name = formatEndpoint(address)
      const before = seen.get(name)
      seen.set(name, before ?? backend)
      const differing = ofServer.find(key => {
        const kind = keys.routeBackend.in.shape[key]
        return (
          before !== undefined && read<unknown>(kind, before.value, key) !== read<unknown>(kind, backend.value, key)
        )
      })
      if (before === undefined || differing === undefined) return []
      return [
        { path, text: `, which ${pathText(before.path)} names with another ${differing}: write the same for both` },
      ]
    })
  })
}

function domainTwice(written: unknown): Remark[] {
  const seen = new Map<string, Path>()
  const routes = at(written, 'routes')
  if (!Array.isArray(routes)) return []
  return routes.flatMap((route, i) => {
    const domains = at(route, 'domains')
    if (!Array.isArray(domains)) return []
    return domains.flatMap((domain, j) => {
      const path = ['routes', i, 'domains', j]
      const name = String(domain).toLowerCase()
      const before = seen.get(name)
      seen.set(name, before ?? path)
      return before === undefined ? [] : [{ path, text: ` a second time (${pathText(before)}): keep one of them` }]
    })
  })
}

/** What is legal and may well be a mistake. */
export function backendDoubts({ backend, routes }: Config): Remark[] {
  const all = [
    { path: ['backend'], backend },
    ...routes.map((route, i) => ({ path: ['routes', i, 'backend'], backend: route.backend })),
  ]
  return all.flatMap(({ path, backend: { identity, servers, pick } }) => {
    const doubts: Remark[] = []
    if (identity === 'none' && servers !== null) {
      const text =
        ', so that the logs, SPF and rate limits of the backend see no client but the gate: use another where the backend can'
      doubts.push({ path: [...path, 'identity'], text })
    }
    if (pick === 'order' && servers?.some(({ weight }) => weight !== servers[0]?.weight) === true) {
      doubts.push({
        path: [...path, 'servers'],
        text: ' with weights, which pick: order does not look at: write pick: weight',
      })
    }
    return doubts
  })
}
