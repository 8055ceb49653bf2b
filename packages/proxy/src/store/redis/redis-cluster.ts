import { coalesce } from './coalescence.ts'
import { endAloud } from './ending.ts'
import {
  nameOf,
  openCluster,
  openNode,
  type Redis,
  type RedisConnection,
  type RedisEvents,
  slotsOfKeys,
  type Usual,
} from './redis-connection.ts'
import { listen } from './redis-listener.ts'
import type { Host, RedisTopology } from './redis-topology.ts'
import { Search } from './search.ts'

/**
 * A connection to each master of a cluster.
 *
 * ioredis asks any node that it knows where the slots are, and lets go of those that the answer does not name. One that has lost sight of the others
 * (reset, forgotten, cut off as it joined) would thus lead away from them for good. Replicas are let go, as nothing is asked of them but
 * that; and where a master is missing all connections are, and all begins again with the nodes of the configuration.
 *
 * Not taken: to ask the slots ourselves, and more than one node; it would be a second client of a cluster beside the one we have.
 */
export function connectCluster(
  topology: Extract<RedisTopology, { cluster: unknown }>,
  usual: Usual,
  events: RedisEvents,
): RedisConnection {
  const slotOf = slotsOfKeys()
  const nodes = new Map<string, Redis>()
  let lastError = ''
  let closing = false
  const anyReady = () => [...nodes.values()].some(({ status }) => status === 'ready')
  const cluster = openCluster(topology, usual, anyReady)
  const serves = (node: string) => cluster.slots.some(([master]) => master === node)

  const search = new Search(() => {
    const isMissing = cluster.slots.some(([master]) => master !== undefined && !nodes.has(master))
    // Otherwise it begins again by itself.
    if (isMissing && cluster.status === 'ready') cluster.disconnect(true)
  })

  function watch(redis: Redis): void {
    endAloud(redis)
    // A replica: let go as soon as the answer that named it is read.
    if (redis.options.readOnly === true) return
    const node = nameOf(redis)
    let reason = ''
    nodes.set(node, redis)
    coalesce(redis)
    redis.on('error', error => {
      reason = error.message
    })
    redis.on('ready', () => {
      reason = ''
      events.ready(node)
    })
    redis.on('close', () => {
      if (!closing && serves(node)) events.lost(reason === '' ? 'the connection was closed' : reason, node)
    })
    // What comes of it is told by the events.
    redis.connect().catch(() => undefined)
  }
  cluster.on('+node', watch)
  cluster.on('-node', (redis: Redis) => {
    const node = nameOf(redis)
    if (nodes.get(node) !== redis) return
    nodes.delete(node)
    // Not of those that are let go to begin again.
    if (!closing && cluster.status === 'ready' && serves(node)) search.begin()
  })
  cluster.on('refresh', () => {
    for (const replica of cluster.nodes('slave')) replica.disconnect()
  })
  cluster.on('node error', ({ message }: Error) => {
    // Of what was asked over a connection that was not made: why it was not has been said before.
    if (message !== 'Connection is closed.') lastError = message
  })
  // Nothing but that none of the nodes has answered, which the event `close` says as well.
  cluster.on('error', () => undefined)
  cluster.on('ready', () => events.ready(''))
  cluster.on('close', () => {
    if (!closing && cluster.slots.length === 0) events.lost(lastError === '' ? 'no node answers' : lastError, '')
  })

  const isReady = (node: string): boolean => {
    if (node === '') return cluster.status === 'ready'
    return cluster.status === 'ready' && nodes.get(node)?.status === 'ready'
  }
  return {
    commands: cluster,
    get ready() {
      const masters = new Set(cluster.slots.map(([master]) => master ?? ''))
      return masters.size > 0 && [...masters].every(isReady)
    },
    nodeOf: key => cluster.slots[slotOf(key)]?.[0] ?? '',
    isReady,
    isGone: node => node !== '' && !serves(node),
    ping: async node => {
      if (node === '') await Promise.all([...nodes.values()].map(redis => redis.ping()))
      else await nodes.get(node)?.ping()
    },
    listen: (channel, listener) => {
      let turn = 0
      const next = () => {
        const masters = [...new Set(cluster.slots.map(([master]) => master ?? ''))].filter(node => node !== '')
        const known = masters.length > 0 ? masters.map(hostOf) : topology.cluster
        // Gates that are started together do not all listen to the same.
        turn = turn === 0 ? 1 + Math.floor(Math.random() * known.length) : turn + 1
        return openNode(known[turn % known.length] as Host, usual)
      }
      return listen(next, redis => cluster.slots.length > 0 && !serves(nameOf(redis)), channel, listener)
    },
    close: async () => {
      closing = true
      search.close()
      // Each by itself: a node that does not answer must not keep the others from it.
      await Promise.allSettled(
        [...nodes.values()].filter(({ status }) => status === 'ready').map(redis => redis.quit()),
      )
      cluster.disconnect()
    },
  }
}

/** `host:port`, of which the host may be an address of IPv6. */
function hostOf(node: string): Host {
  const colon = node.lastIndexOf(':')
  return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) }
}
