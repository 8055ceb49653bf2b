import * as z from 'zod'
import type { RedisTls, RedisTopology } from '../store/redis/redis-topology.ts'
import type { MemoryStore, RedisStore } from './config.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, duration } = leaves

const usualUrl = 'redis://127.0.0.1:6379'

const redisText = (about: string) =>
  z.string().min(1).max(1024).meta({ title: 'text in quotes, of 1 to 1024 characters', description: about })

const secret = (about: string) => redisText(about).meta({ writeOnly: true }).optional()

const hosts = (about: string) => z.array(leaves.redisHost).min(1).max(100).optional().describe(about)

const tlsKeys = section({
  ca: leaves.path
    .optional()
    .describe("The PEM file of the CAs that the servers' certificates may come from. Default: those that Node trusts."),
  certificate: leaves.path.optional().describe('The PEM file of a certificate of our own, its chain behind it.'),
  key: leaves.path.optional().describe('The PEM file of its key, without a passphrase.'),
  server_name: leaves.domain
    .optional()
    .describe("The name in the servers' certificates. Default: the host that is called."),
})

const tls = z
  .codec(tlsKeys, z.custom<RedisTls>(), {
    decode: ({ ca, certificate, key, serverName }) => ({
      ca: ca ?? null,
      certificate: certificate ?? null,
      key: key ?? null,
      serverName: serverName ?? null,
    }),
    encode: found => withoutNull(found) as z.output<typeof tlsKeys>,
  })
  .optional()
  .describe('redis: TLS with every server, Sentinels included. The files are read when the gate starts.')

const storeKeys = section({
  kind: z
    .enum(['memory', 'redis'])
    .prefault('memory')
    .describe('Where clients are remembered. redis: shared by several gates.'),
  file: leaves.path.prefault('var/clients.json').describe('memory: where they are kept over a restart.'),
  url: leaves.redisUrl.optional().meta({
    default: usualUrl,
    writeOnly: true,
    description: 'redis: the server; rediss:// is TLS. Or in its place sentinels, or cluster.',
  }),
  sentinels: hosts('redis: Sentinels, one at least; they name the server that is the master.'),
  master_name: redisText('redis: by what name the Sentinels know it.')
    .meta({ examples: ['mymaster'] })
    .optional(),
  sentinel_password: secret('redis: of the Sentinels, if they want one.'),
  cluster: hosts('redis: nodes of a cluster, one at least; they name the others.'),
  username: redisText('redis: the ACL user. Default: the one in the url, or none.')
    .meta({ examples: ['sallyport'] })
    .optional(),
  password: secret(`redis: better \${REDIS_PASSWORD} or \${file:/run/secrets/redis} than the word itself.`),
  tls,
  prefix: redisText('redis: what all key names begin with.')
    .meta({ examples: ['sallyport:'] })
    .prefault('sallyport:'),
  command_wait: duration('1ms', '5s', '50ms')
    .prefault('50ms')
    .describe('redis: the longest wait for an answer; then the gate goes on without.'),
  lease: duration('2s', '10m', '30s')
    .prefault('30s')
    .describe(
      'redis: for how long the connections that a gate had open still count at the others after it was killed.',
    ),
  clients: count(100, 10_000_000).prefault(100_000).describe('The most clients that are remembered in this process.'),
})

type Written = z.output<typeof storeKeys>

/** The rules see to it that there is one, and a name with Sentinels. */
function topologyOf({ url, sentinels, masterName, sentinelPassword, cluster }: Written): RedisTopology {
  if (sentinels !== undefined) {
    return { sentinels, masterName: masterName ?? '', sentinelPassword: sentinelPassword ?? null }
  }
  return cluster === undefined ? { url: url ?? usualUrl } : { cluster }
}

/** A key whose value is null was not written. */
function withoutNull(found: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null))
}

export const store = z
  .codec(storeKeys, z.custom<MemoryStore | RedisStore>(), {
    decode: found => {
      const { file, username, password, tls, prefix, commandWait, lease, clients, kind } = found
      if (kind === 'memory') return { kind, file, clients }
      const login = { username: username ?? null, password: password ?? null, tls: tls ?? null }
      return { kind, ...topologyOf(found), ...login, prefix, commandWait, lease, clients }
    },
    encode: found => ({ ...storeKeys.parse({}), ...withoutNull(found) }) as Written,
  })
  .prefault({})
  .describe('What the gate remembers of clients.')
