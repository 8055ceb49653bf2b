import { errorText } from '../../error.ts'
import { coalesce } from './coalescence.ts'
import { connectCluster } from './redis-cluster.ts'
import {
  type ConnectionOptions,
  type OneServer,
  openOne,
  type RedisConnection,
  type RedisEvents,
  type Usual,
  usualOptions,
} from './redis-connection.ts'
import { listen } from './redis-listener.ts'
import { type RedisTopology, readTls, type TlsMaterial } from './redis-topology.ts'

/** Begins to connect, and waits for nothing. */
export function connectRedis(
  topology: RedisTopology,
  options: ConnectionOptions,
  events: RedisEvents,
): RedisConnection {
  let tls: TlsMaterial | null
  try {
    tls = options.tls == null ? null : readTls(options.tls)
  } catch (error) {
    return unreadable(errorText(error), events)
  }
  const usual = usualOptions(options, tls)
  return 'cluster' in topology ? connectCluster(topology, usual, events) : connectOne(topology, usual, events)
}

/** In place of a connection whose files cannot be read: mail flows without it as without Redis. */
function unreadable(reason: string, events: RedisEvents): RedisConnection {
  const refuse = () => Promise.reject(new Error(reason))
  setImmediate(() => events.lost(reason, ''))
  return {
    commands: {
      recallClientBuffer: refuse,
      meetGrey: refuse,
      countRates: refuse,
      peek: refuse,
      rememberClient: refuse,
      enterNetwork: refuse,
      tellNetwork: refuse,
      hdel: refuse,
      publish: refuse,
    },
    ready: false,
    nodeOf: () => '',
    isReady: () => false,
    isGone: () => false,
    ping: refuse,
    listen: () => ({ close: () => undefined }),
    close: async () => undefined,
  }
}

/** Before one more attempt where ioredis has made its last, ms. */
const pause = 1_000

function connectOne(server: OneServer, usual: Usual, events: RedisEvents): RedisConnection {
  let lastError = ''
  let closing = false
  const redis = openOne(server, usual)
  coalesce(redis)
  redis.on('error', error => {
    lastError = error.message
    // While no Sentinel answers there is no connection that could be closed.
    if ('sentinels' in server && redis.status === 'connecting' && !closing) events.lost(lastError, '')
  })
  redis.on('ready', () => {
    lastError = ''
    events.ready('')
  })
  redis.on('close', () => {
    if (!closing) events.lost(lastError === '' ? 'the connection was closed' : lastError, '')
  })
  // A Sentinel that tells of a new master while it is asked for one makes ioredis give up for ever (6.0.0: FailoverDetector, "connecting -> end").
  redis.on('end', () => {
    const again = () => {
      if (!closing) redis.connect().catch(() => undefined)
    }
    if (!closing) setTimeout(again, pause).unref()
  })
  return {
    commands: redis,
    get ready() {
      return redis.status === 'ready'
    },
    nodeOf: () => '',
    isReady: () => redis.status === 'ready',
    isGone: () => false,
    ping: async () => void (await redis.ping()),
    listen: (channel, listener) =>
      listen(
        () => openOne(server, usual),
        () => false,
        channel,
        listener,
      ),
    close: async () => {
      closing = true
      try {
        if (redis.status === 'ready') await redis.quit()
      } catch {
        // It did not answer, so there is nobody to say goodbye to.
      }
      redis.disconnect()
    },
  }
}
