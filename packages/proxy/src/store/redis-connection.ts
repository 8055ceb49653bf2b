import { createRequire } from 'node:module'
import type { Redis, Result } from 'ioredis'
import { type RedisPlace, type RedisTls, readTls, type TlsMaterial } from './redis-place.ts'
import { scripts } from './redis-scripts.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    recallClientBuffer(key: string, field: string): Result<unknown, Context>
    meetGrey(key: string, delay: number, window: number, keep: number): Result<unknown, Context>
    countRate(key: string, count: number, period: number): Result<unknown, Context>
    peek(key: string): Result<unknown, Context>
    rememberClient(key: string, field: string, ...numbersAndTokens: (string | number)[]): Result<unknown, Context>
    enterNetwork(
      key: string,
      gate: string,
      lease: number,
      client: string,
      ...counts: number[]
    ): Result<unknown, Context>
    holdNetwork(key: string, gate: string, lease: number, ...counts: (string | number)[]): Result<unknown, Context>
  }
}

/** Loaded by the first connection, as it takes longer to load than any other package: most gates have no Redis. */
const ioredis = (): typeof import('ioredis') => load('ioredis')
const load = createRequire(import.meta.url)

/** What the store asks of Redis. Each has one key, so that it is the business of one node of a cluster. */
export interface RedisCommands {
  recallClientBuffer(key: string, field: string): Promise<unknown>
  meetGrey(key: string, delay: number, window: number, keep: number): Promise<unknown>
  countRate(key: string, count: number, period: number): Promise<unknown>
  peek(key: string): Promise<unknown>
  rememberClient(key: string, field: string, ...numbersAndTokens: (string | number)[]): Promise<unknown>
  enterNetwork(key: string, gate: string, lease: number, client: string, ...counts: number[]): Promise<unknown>
  holdNetwork(key: string, gate: string, lease: number, ...counts: (string | number)[]): Promise<unknown>
  hdel(key: string, field: string): Promise<unknown>
}

export interface ConnectionOptions {
  /** null: as the url has it, or none. */
  readonly username?: string | null
  readonly password: string | null
  /** null: TLS only for `rediss://`, with what Node trusts. */
  readonly tls?: RedisTls | null
  /** The most that a command may take, in ms. */
  readonly commandWait: number
}

/**
 * Told of each connection, once for each change. `node` is the `host:port` of a node of a cluster, and `''` for what is one by
 * itself: a single server, the master of Sentinels, or a cluster of which no node has answered yet.
 */
export interface RedisEvents {
  /** Commands can be sent. */
  ready(node: string): void
  /** They cannot any more, or the first connection was not made; in `reason` why. */
  lost(reason: string, node: string): void
}

/** One, or one to each node of a cluster. They begin at once and go on for ever, at intervals of two seconds at most. */
export interface RedisConnection {
  readonly commands: RedisCommands
  /** Whether all nodes can be asked. */
  readonly ready: boolean
  nodeOf(key: string): string
  /** Whether this node can be asked. */
  isReady(node: string): boolean
  /** Whether no key is on this node any more: another has taken its place. */
  isGone(node: string): boolean
  /** `''`, of a cluster: all nodes. */
  ping(node: string): Promise<void>
  /** Ends when what was sent before is answered, or was not in time. Never rejects. */
  close(): Promise<void>
}

/** Whether Redis itself said no: it is there, but will not do this (READONLY, OOM, NOPERM, LOADING). */
export const isRefusal = (error: unknown): boolean => error instanceof ioredis().ReplyError

const backoff = (attempt: number): number => Math.min(50 * 2 ** (attempt - 1), 2000) + Math.random() * 100

type Usual = ReturnType<typeof usualOptions>

/** Of every connection, whatever it leads to. */
function usualOptions(options: ConnectionOptions, tls: TlsMaterial | null) {
  return {
    ...(options.username == null ? {} : { username: options.username }),
    ...(options.password === null ? {} : { password: options.password }),
    ...(tls === null ? {} : { tls: { ...tls } }),
    connectionName: 'sallyport',
    // Fail at once rather than late: whoever asks has another answer, and a client that waits.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: options.commandWait,
    connectTimeout: 1000,
    // A command that timed out stays in the queue of its connection; a connection that says nothing for so long is dropped.
    socketTimeout: 1000,
  }
}

/** Begins to connect, and waits for nothing. */
export function connectRedis(place: RedisPlace, options: ConnectionOptions, events: RedisEvents): RedisConnection {
  let tls: TlsMaterial | null
  try {
    tls = options.tls == null ? null : readTls(options.tls)
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error), events)
  }
  const usual = usualOptions(options, tls)
  return 'cluster' in place ? connectCluster(place, usual, events) : connectOne(place, usual, events)
}

/** In place of a connection whose files cannot be read: mail flows without it as without Redis. */
function unreadable(reason: string, events: RedisEvents): RedisConnection {
  const refuse = () => Promise.reject(new Error(reason))
  setImmediate(() => events.lost(reason, ''))
  return {
    commands: {
      recallClientBuffer: refuse,
      meetGrey: refuse,
      countRate: refuse,
      peek: refuse,
      rememberClient: refuse,
      enterNetwork: refuse,
      holdNetwork: refuse,
      hdel: refuse,
    },
    ready: false,
    nodeOf: () => '',
    isReady: () => false,
    isGone: () => false,
    ping: refuse,
    close: async () => undefined,
  }
}

type OnePlace = Exclude<RedisPlace, { readonly cluster: unknown }>

function openOne(place: OnePlace, usual: Usual): Redis {
  const { Redis } = ioredis()
  const options = { ...usual, scripts, retryStrategy: backoff }
  if ('url' in place) return new Redis(place.url, options)
  return new Redis({
    ...options,
    sentinels: place.sentinels.map(({ host, port }) => ({ host, port })),
    name: place.masterName,
    ...(place.sentinelPassword === null ? {} : { sentinelPassword: place.sentinelPassword }),
    ...(usual.tls === undefined ? {} : { sentinelTLS: usual.tls, enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: backoff,
    sentinelReconnectStrategy: backoff,
    sentinelCommandTimeout: 1000,
    // They tell of a new master at once. Without that, one that hangs would be asked until Sentinel kills its connections.
    failoverDetector: true,
  })
}

function connectOne(place: OnePlace, usual: Usual, events: RedisEvents): RedisConnection {
  let lastError = ''
  let closing = false
  const redis = openOne(place, usual)
  redis.on('error', error => {
    lastError = error.message
    // While no Sentinel answers there is no connection that could be closed.
    if ('sentinels' in place && redis.status === 'connecting' && !closing) events.lost(lastError, '')
  })
  redis.on('ready', () => {
    lastError = ''
    events.ready('')
  })
  redis.on('close', () => {
    if (!closing) events.lost(lastError === '' ? 'the connection was closed' : lastError, '')
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

/** After so many attempts without any node, half a minute, the nodes are asked for anew by the names in the configuration. */
const attemptsOfNode = 20

/**
 * What ioredis does by itself, and is not wanted here: commands that wait in a queue for a node, or for a cluster that is down;
 * sixteen redirections; connections to nodes at the first command, which would then be late.
 */
function openCluster(place: Extract<RedisPlace, { cluster: unknown }>, usual: Usual, anyReady: () => boolean) {
  const { Cluster } = ioredis()
  return new Cluster(
    place.cluster.map(({ host, port }) => ({ host, port })),
    {
      scripts,
      redisOptions: usual,
      enableOfflineQueue: false,
      // It would ask a node whose connection is only just being made, and begin anew.
      enableReadyCheck: false,
      maxRedirections: 3,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      slotsRefreshTimeout: 1000,
      // Where a failover has put the slots; a redirection tells it, too, to whoever can be asked.
      slotsRefreshInterval: 2000,
      // Names stay names: TLS looks for them in the certificate.
      dnsLookup: (name, found) => found(null, name),
      clusterRetryStrategy: backoff,
      clusterNodeRetryStrategy: attempt => (attempt > attemptsOfNode && !anyReady() ? null : backoff(attempt)),
    },
  )
}

function connectCluster(
  place: Extract<RedisPlace, { cluster: unknown }>,
  usual: Usual,
  events: RedisEvents,
): RedisConnection {
  const { Command } = ioredis()
  const slotOf = (key: string): number => new Command('exists', [key]).getSlot() ?? 0
  const nodes = new Map<string, Redis>()
  let lastError = ''
  let closing = false
  const anyReady = () => [...nodes.values()].some(({ status }) => status === 'ready')
  const cluster = openCluster(place, usual, anyReady)
  const serves = (node: string) => cluster.slots.some(([master]) => master === node)

  function watch(redis: Redis): void {
    const node = nameOf(redis)
    let reason = ''
    nodes.set(node, redis)
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
    if (nodes.get(nameOf(redis)) === redis) nodes.delete(nameOf(redis))
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
    close: async () => {
      closing = true
      // Each by itself: a node that does not answer must not keep the others from it.
      await Promise.allSettled(
        [...nodes.values()].filter(({ status }) => status === 'ready').map(redis => redis.quit()),
      )
      cluster.disconnect()
    },
  }
}

const nameOf = ({ options: { host, port } }: Redis): string => `${host}:${port}`
