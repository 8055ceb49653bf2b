import { createRequire } from 'node:module'
import type { Redis, Result } from 'ioredis'
import { scripts } from './redis-scripts.ts'
import type { Host, RedisTls, RedisTopology, TlsMaterial } from './redis-topology.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    recallClientBuffer(key: string, field: string): Result<unknown, Context>
    meetGrey(key: string, delay: number, window: number, keep: number): Result<unknown, Context>
    countRates(keys: number, ...keysAndNumbers: (string | number)[]): Result<unknown, Context>
    peek(key: string): Result<unknown, Context>
    rememberClient(key: string, field: string, ...numbersAndTokens: (string | number)[]): Result<unknown, Context>
    enterNetwork(key: string, gate: string, lease: number, ...counts: (string | number)[]): Result<unknown, Context>
    tellNetwork(key: string, gate: string, lease: number, ...counts: (string | number)[]): Result<unknown, Context>
  }
}

/** Loaded by the first connection, as it takes longer to load than any other package: most gates have no Redis. */
const ioredis = (): typeof import('ioredis') => load('ioredis')
const load = createRequire(import.meta.url)

/** What the store asks of Redis. Each has one key, or several of one slot, so that it is the business of one node of a cluster. */
export interface RedisCommands {
  recallClientBuffer(key: string, field: string): Promise<unknown>
  meetGrey(key: string, delay: number, window: number, keep: number): Promise<unknown>
  countRates(keys: number, ...keysAndNumbers: (string | number)[]): Promise<unknown>
  peek(key: string): Promise<unknown>
  rememberClient(key: string, field: string, ...numbersAndTokens: (string | number)[]): Promise<unknown>
  enterNetwork(key: string, gate: string, lease: number, ...counts: (string | number)[]): Promise<unknown>
  tellNetwork(key: string, gate: string, lease: number, ...counts: (string | number)[]): Promise<unknown>
  hdel(key: string, field: string): Promise<unknown>
  /** Of a cluster any node: it tells the others. */
  publish(channel: string, message: string): Promise<unknown>
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

/** One, or one to each master of a cluster. They begin at once and go on for ever, at intervals of two seconds at most. */
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
  /** Begins to listen to a channel, over a connection of its own, and waits for nothing. */
  listen(channel: string, listener: ChannelListener): Listening
  /** Ends when what was sent before is answered, or was not in time. Never rejects. */
  close(): Promise<void>
}

export interface ChannelListener {
  heard(message: string): void
  /** Redis takes the subscription. */
  granted(): void
  /** It does not, because of its access list. */
  refused(reason: string): void
}

export interface Listening {
  close(): void
}

export type { Redis } from 'ioredis'

/** Whether Redis itself said no: it is there, but will not do this (READONLY, OOM, NOPERM, LOADING). */
export const isRefusal = (error: unknown): boolean => error instanceof ioredis().ReplyError

export const backoff = (attempt: number): number => Math.min(50 * 2 ** (attempt - 1), 2000) + Math.random() * 100

export type Usual = ReturnType<typeof usualOptions>

/** Of every connection, whatever it leads to. */
export function usualOptions(options: ConnectionOptions, tls: TlsMaterial | null) {
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
    autoResubscribe: false,
    // A command that timed out stays in the queue of its connection; a connection that says nothing for so long is dropped.
    socketTimeout: 1000,
  }
}

export type OneServer = Exclude<RedisTopology, { readonly cluster: unknown }>

export function openOne(server: OneServer, usual: Usual): Redis {
  const { Redis } = ioredis()
  const options = { ...usual, scripts, retryStrategy: backoff }
  if ('url' in server) return new Redis(server.url, options)
  return new Redis({
    ...options,
    sentinels: server.sentinels.map(({ host, port }) => ({ host, port })),
    name: server.masterName,
    ...(server.sentinelPassword === null ? {} : { sentinelPassword: server.sentinelPassword }),
    ...(usual.tls === undefined ? {} : { sentinelTLS: usual.tls, enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: backoff,
    sentinelReconnectStrategy: backoff,
    sentinelCommandTimeout: 1000,
    // They tell of a new master at once. Without that, one that hangs would be asked until Sentinel kills its connections.
    failoverDetector: true,
  })
}

/** After so many attempts without any node, half a minute, the nodes are asked for anew by the names in the configuration. */
const attemptsOfNode = 20

/**
 * What ioredis does by itself, and is not wanted here: commands that wait in a queue for a node, or for a cluster that is down;
 * sixteen redirections; connections to nodes at the first command, which would then be late.
 */
export function openCluster(
  topology: Extract<RedisTopology, { cluster: unknown }>,
  usual: Usual,
  anyReady: () => boolean,
) {
  const { Cluster } = ioredis()
  return new Cluster(
    topology.cluster.map(({ host, port }) => ({ host, port })),
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

/** One node, once: whoever loses it tries another. */
export function openNode({ host, port }: Host, usual: Usual): Redis {
  const { Redis } = ioredis()
  return new Redis({ ...usual, host, port, retryStrategy: () => null })
}

/** Which slot a key has: a node of a cluster has many. */
export function slotsOfKeys(): (key: string) => number {
  const { Command } = ioredis()
  return key => new Command('exists', [key]).getSlot() ?? 0
}

export const nameOf = ({ options: { host, port } }: Redis): string => `${host}:${port}`
