import type { Network } from '@sallyport/rules'
import type { ZodType } from 'zod'
import type { Config, Endpoint } from './config.ts'
import { formatEndpoint } from './scalars.ts'
import { keys } from './schema.ts'

/** A fault, or a doubt, at a key. The text goes on after the words for what was found there. */
export interface Remark {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/**
 * What keys demand of each other. The rules read the file as it was written, key by key, and say nothing about a key that is
 * itself at fault: so they are told in one go with every other error, and not only when those are mended.
 */
export function remarksOn(written: unknown): Remark[] {
  return [
    ...mayRelay(written),
    ...ttlBounds(written),
    ...scoreOrder(written),
    ...callsItself(written),
    ...listensTwice(written),
    ...lacksCertificate(written),
    ...otherStore(written),
  ]
}

/** A key as it would be taken, default included; undefined: what was written is no value of its kind. */
function read<T>(kind: ZodType<T>, written: unknown, ...path: string[]): T | undefined {
  return kind.safeParse(at(written, ...path)).data
}

function at(written: unknown, ...path: string[]): unknown {
  let value = written
  for (const key of path) {
    value =
      typeof value === 'object' && value !== null && key in value ? (value as Record<string, unknown>)[key] : undefined
  }
  return value
}

const backend = keys.backend.in.shape
const { listen, recipient_domains } = keys.file

/** The address of the backend, in either of its two forms. */
function backendAddress(written: unknown): { address: Endpoint | null | undefined; path: string[] } {
  const alone = typeof at(written, 'backend') === 'string'
  const path = alone ? ['backend'] : ['backend', 'address']
  return { address: read(backend.address, written, ...path), path }
}

/** An MTA trusts its own host and network; behind a gate that hides the client, every client would be trusted so. */
function mayRelay(written: unknown): Remark[] {
  if (at(written, 'backend', 'identity') !== 'none') return []
  if (backendAddress(written).address === null) return []
  if (at(written, 'backend', 'i_know_the_backend_sees_the_gate') === true) return []
  // A list with a fault is a list all the same: the fault is told by itself.
  const domains = read(recipient_domains, written, 'recipient_domains')
  if (domains === undefined || domains.length > 0) return []
  const text =
    ', so that the backend sees the address of the gate for every client, and is an open relay if it trusts that address ' +
    '(mynetworks): use proxy_v2, proxy_v1, xclient or xconnect, or set recipient_domains, ' +
    'or i_know_the_backend_sees_the_gate: true'
  return [{ path: ['backend', 'identity'], text }]
}

function ttlBounds(written: unknown): Remark[] {
  const { min, max, fallback } = keys.dnsblTtl.in.shape
  const least = read(min, written, 'dnsbl', 'ttl', 'min')
  const most = read(max, written, 'dnsbl', 'ttl', 'max')
  const otherwise = read(fallback, written, 'dnsbl', 'ttl', 'fallback')
  if (least === undefined || most === undefined) return []
  if (least > most) return [{ path: ['dnsbl', 'ttl'], text: ' with min above max: set min to max, or below' }]
  if (otherwise === undefined || (least <= otherwise && otherwise <= most)) return []
  return [{ path: ['dnsbl', 'ttl'], text: ' with a fallback below min or above max: set one between' }]
}

function scoreOrder(written: unknown): Remark[] {
  const { defer, refuse } = keys.score.in.shape
  const deferFrom = read(defer, written, 'score', 'defer')
  const refuseFrom = read(refuse, written, 'score', 'refuse')
  if (deferFrom === undefined || refuseFrom === undefined || refuseFrom === 0 || deferFrom <= refuseFrom) return []
  return [
    {
      path: ['score'],
      text: ' with defer above refuse, so that nobody is ever deferred: set defer below refuse, or to 0',
    },
  ]
}

const everywhere = ['::', '0.0.0.0']

function callsItself(written: unknown): Remark[] {
  const { address, path } = backendAddress(written)
  if (address === null || address === undefined) return []
  const isLocal = /^127\.|^::1$|^localhost$/.test(address.host)
  const itself = (read(listen, written, 'listen') ?? []).find(ours => {
    return ours.port === address.port && (ours.host === address.host || (isLocal && everywhere.includes(ours.host)))
  })
  if (itself === undefined) return []
  return [{ path, text: ', where the gate itself listens: name the mail server behind it' }]
}

function listensTwice(written: unknown): Remark[] {
  const endpoints = read(listen, written, 'listen') ?? []
  const texts = endpoints.map(formatEndpoint)
  return texts.flatMap((text, i) => {
    if (endpoints[i]?.port === 0 || texts.indexOf(text) === i) return []
    return [{ path: ['listen', i], text: ' a second time: keep one of them' }]
  })
}

const needsCertificate = ['starttls', 'required', 'implicit']

function lacksCertificate(written: unknown): Remark[] {
  const certificates = at(written, 'tls', 'certificates')
  if (Array.isArray(certificates) && certificates.length > 0) return []
  const entries = at(written, 'listen')
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry: unknown, i) => {
    const mode = at(entry, 'tls')
    if (typeof mode !== 'string' || !needsCertificate.includes(mode)) return []
    const text = ', for which the gate needs a certificate: name its files in tls.certificates'
    return [{ path: ['listen', i, 'tls'], text }]
  })
}

const redisOnly = ['url', 'password', 'prefix', 'command_wait']

/** A URL without `kind: redis` would be a gate that shares nothing, and does not say so. */
function otherStore(written: unknown): Remark[] {
  const kind = at(written, 'store', 'kind') ?? 'memory'
  const strangers = kind === 'memory' ? redisOnly : kind === 'redis' ? ['file'] : []
  const right = kind === 'memory' ? 'redis' : 'memory'
  return strangers
    .filter(key => at(written, 'store', key) !== undefined)
    .map(key => ({
      path: ['store', key],
      text: `, which kind: ${kind} does not have: write kind: ${right}, or take it out`,
    }))
}

/** What is legal and may well be a mistake. */
export function doubtsAbout(config: Config): Remark[] {
  const doubts: Remark[] = []
  config.trustedProxies.forEach((network, i) => {
    if (!isWide(network)) return
    const text = ", where every host can claim any client's address: name the balancers alone"
    doubts.push({ path: ['trusted_proxies', i], text })
  })
  if (config.backend.identity === 'none' && config.backend.address !== null) {
    const text =
      ', so that the logs, SPF and rate limits of the backend see no client but the gate: use another where the backend can'
    doubts.push({ path: ['backend', 'identity'], text })
  }
  if (config.tls.certificates.length > 0) {
    config.listen.forEach(({ tls }, i) => {
      if (tls !== 'pass_through') return
      const text = ', where clients see the certificate of the backend and none of tls.certificates'
      doubts.push({ path: ['listen', i, 'tls'], text })
    })
  }
  const { listen: operators } = config.admin
  if (operators !== null && !/^127\.|^::1$|^localhost$/.test(operators.host)) {
    const text = ', where whoever reaches this port reads the metrics: keep it behind a firewall'
    doubts.push({ path: ['admin', 'listen'], text })
  }
  return [...doubts, ...dnsblDoubts(config)]
}

function isWide({ address, prefix }: Network): boolean {
  return prefix < (address.family === 4 ? 16 : 32)
}

const publicResolvers =
  /^(?:8\.8\.[48]\.[48]|1\.[01]\.[01]\.1|9\.9\.9\.\d+|208\.67\.22[02]\.22[02])(?::|$)|2001:4860:4860:|2606:4700:4700:|2620:fe:/

function dnsblDoubts({ dnsbl, policy }: Config): Remark[] {
  const action = policy.checks?.dnsbl?.action
  if (dnsbl.zones.length === 0) {
    if (action === undefined || action === 'observe') return []
    const text = ', but dnsbl.zones names no list, so that nobody can fail: name lists there'
    return [{ path: ['checks', 'dnsbl', 'action'], text }]
  }
  return dnsbl.resolvers.flatMap((resolver, i) => {
    if (!publicResolvers.test(resolver.replace(/^\[/, ''))) return []
    const text = ', a public resolver, to which most lists give no answer: use a resolver of your own'
    return [{ path: ['dnsbl', 'resolvers', i], text }]
  })
}
