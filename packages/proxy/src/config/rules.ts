import type { Network } from '@sallyport/rules'
import { usesDecoy } from '../decoy/use.ts'
import { backendDoubts, backendRemarks } from './backend-rules.ts'
import type { Config } from './config.ts'
import { formatEndpoint } from './scalars.ts'
import { keys } from './schema.ts'
import { storeRemarks } from './store-rules.ts'
import { at, type Remark, read } from './written.ts'

/**
 * What keys demand of each other. The rules read the file as it was written, key by key, and say nothing about a key that is
 * itself at fault: so they are told in one go with every other error, and not only when those are mended.
 */
export function remarksOn(written: unknown): Remark[] {
  return [
    ...backendRemarks(written),
    ...ttlBounds(written),
    ...scoreOrder(written),
    ...greylistWindow(written),
    ...listensTwice(written),
    ...sharesPort(written),
    ...lacksCertificate(written),
    ...storeRemarks(written),
  ]
}

const { listen } = keys.file

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

/** Who must come again before it may is never let in. */
function greylistWindow(written: unknown): Remark[] {
  const delay = at(written, 'checks', 'greylist', 'delay')
  const window = at(written, 'checks', 'greylist', 'window') ?? 14_400
  if (typeof delay !== 'number' || typeof window !== 'number' || delay < window) return []
  return [{ path: ['checks', 'greylist', 'delay'], text: ' with a window that ends before it: set delay below window' }]
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

function listensTwice(written: unknown): Remark[] {
  const endpoints = read(listen, written, 'listen') ?? []
  const texts = endpoints.map(formatEndpoint)
  return texts.flatMap((text, i) => {
    if (endpoints[i]?.port === 0 || texts.indexOf(text) === i) return []
    // An entry with keys is found by its address.
    const path = at(written, 'listen', `${i}`, 'address') === undefined ? ['listen', i] : ['listen', i, 'address']
    return [{ path, text: ' a second time: keep one of them' }]
  })
}

/** Older ones bind without it, and the second process would find the port in use (Node's net.md: 22.12, 23.1). */
function canReusePort(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
}

function sharesPort(written: unknown): Remark[] {
  const { node } = process.versions
  const entries = at(written, 'listen')
  if (canReusePort(node) || !Array.isArray(entries)) return []
  return entries.flatMap((entry: unknown, i) => {
    if (at(entry, 'reuse_port') !== true) return []
    const text = `, which Node ${node} cannot: use Node 22.12 or later, or a socket of systemd (deploy/systemd)`
    return [{ path: ['listen', i, 'reuse_port'], text }]
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

/** What is legal and may well be a mistake. */
export function doubtsAbout(config: Config): Remark[] {
  const doubts: Remark[] = []
  config.trustedProxies.forEach((network, i) => {
    if (!isWide(network)) return
    const text = ", where every host can claim any client's address: name the balancers alone"
    doubts.push({ path: ['trusted_proxies', i], text })
  })
  if (config.tls.certificates.length > 0) {
    config.listen.forEach(({ tls }, i) => {
      if (tls !== 'pass_through') return
      const text = ', where clients see the certificate of the backend and none of tls.certificates'
      doubts.push({ path: ['listen', i, 'tls'], text })
    })
  }
  if (config.recipientDomains.length > 0 || config.routes.length > 0) {
    config.listen.forEach(({ tls }, i) => {
      if (tls !== 'pass_through') return
      const text =
        ', where neither recipient_domains nor routes hold: the backend takes or refuses every recipient itself'
      doubts.push({ path: ['listen', i, 'tls'], text })
    })
  }
  if (config.store.kind === 'memory') {
    config.listen.forEach(({ reusePort }, i) => {
      if (!reusePort) return
      const text =
        ', where each process knows only the clients that it has met itself, and their store.file must not be the same: use store.kind redis'
      doubts.push({ path: ['listen', i, 'reuse_port'], text })
    })
  }
  const { listen: operators } = config.admin
  if (operators !== null && !/^127\.|^::1$|^localhost$/.test(operators.host)) {
    const text = ', where whoever reaches this port reads the metrics: keep it behind a firewall'
    doubts.push({ path: ['admin', 'listen'], text })
  }
  return [...doubts, ...backendDoubts(config), ...dnsblDoubts(config), ...idleExceptions(config), ...idleDecoy(config)]
}

function idleExceptions({ policy }: Config): Remark[] {
  return (policy.exceptions ?? []).flatMap(({ checks }, i) => {
    if (Object.values(checks).some(settings => Object.keys(settings ?? {}).length > 0)) return []
    const text = ', but none of them in checks, so that nothing is otherwise for anybody: write checks, or take it out'
    return [{ path: ['exceptions', i], text }]
  })
}

function idleDecoy({ decoy, policy }: Config): Remark[] {
  if (decoy.folder === undefined || usesDecoy(policy)) return []
  const text = ', and no check leads to the decoy, so that nothing comes there: set an action to decoy, or take it out'
  return [{ path: ['decoy', 'folder'], text }]
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
