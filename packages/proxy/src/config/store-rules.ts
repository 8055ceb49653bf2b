import { at, type Remark } from './written.ts'

const topologies = ['url', 'sentinels', 'cluster']
const ofSentinels = ['master_name', 'sentinel_password']
const redisOnly = [...topologies, ...ofSentinels, 'username', 'password', 'tls', 'prefix', 'command_wait', 'lease']

/** What the keys of the store demand of each other. */
export function storeRemarks(written: unknown): Remark[] {
  return [...otherStore(written), ...severalTopologies(written), ...sentinelKeys(written), ...storeTls(written)]
}

const isWritten = (written: unknown, ...path: string[]): boolean => at(written, 'store', ...path) !== undefined

/** A URL without `kind: redis` would be a gate that shares nothing, and does not say so. */
function otherStore(written: unknown): Remark[] {
  const kind = at(written, 'store', 'kind') ?? 'memory'
  const strangers = kind === 'memory' ? redisOnly : kind === 'redis' ? ['file'] : []
  const right = kind === 'memory' ? 'redis' : 'memory'
  return strangers
    .filter(key => isWritten(written, key))
    .map(key => ({
      path: ['store', key],
      text: `, which kind: ${kind} does not have: write kind: ${right}, or take it out`,
    }))
}

function severalTopologies(written: unknown): Remark[] {
  const [first, ...others] = topologies.filter(key => isWritten(written, key))
  return others.map(key => ({ path: ['store', key], text: `, and store.${first} as well: keep one of them` }))
}

function sentinelKeys(written: unknown): Remark[] {
  if (!isWritten(written, 'sentinels')) {
    return ofSentinels
      .filter(key => isWritten(written, key))
      .map(key => ({ path: ['store', key], text: ', but no store.sentinels: name them, or take it out' }))
  }
  if (isWritten(written, 'master_name')) return []
  const text = ' without store.master_name: write by what name they know the master'
  return [{ path: ['store', 'sentinels'], text }]
}

function storeTls(written: unknown): Remark[] {
  if (!isWritten(written, 'tls')) return []
  const url = at(written, 'store', 'url')
  if (typeof url === 'string' && url.startsWith('redis://')) {
    return [{ path: ['store', 'url'], text: ' with store.tls, which rediss:// has: write that, or take tls out' }]
  }
  if (url === undefined && !isWritten(written, 'sentinels') && !isWritten(written, 'cluster')) {
    const text = ', but no store.url that begins with rediss://: write one, or take tls out'
    return [{ path: ['store', 'tls'], text }]
  }
  const [one, other] = isWritten(written, 'tls', 'certificate') ? ['certificate', 'key'] : ['key', 'certificate']
  if (!isWritten(written, 'tls', one) || isWritten(written, 'tls', other)) return []
  return [{ path: ['store', 'tls', one], text: ` without store.tls.${other}: name both files, or neither` }]
}
