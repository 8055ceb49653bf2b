import * as z from 'zod'
import type { MemoryStore, RedisStore } from './config.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, duration } = leaves

const redisText = (about: string) =>
  z.string().min(1).max(1024).meta({ title: 'text in quotes, of 1 to 1024 characters', description: about })

const storeKeys = section({
  kind: z
    .enum(['memory', 'redis'])
    .prefault('memory')
    .describe('Where clients are remembered. redis: shared by several gates.'),
  file: leaves.path.prefault('var/clients.json').describe('memory: where they are kept over a restart.'),
  url: leaves.redisUrl
    .prefault('redis://127.0.0.1:6379')
    .meta({ writeOnly: true, description: 'redis: the server; rediss:// is TLS.' }),
  password: redisText(`redis: better \${REDIS_PASSWORD} or \${file:/run/secrets/redis} than the word itself.`)
    .meta({ writeOnly: true })
    .optional(),
  prefix: redisText('redis: what all key names begin with.')
    .meta({ examples: ['sallyport:'] })
    .prefault('sallyport:'),
  command_wait: duration('1ms', '5s', '50ms')
    .prefault('50ms')
    .describe('redis: the longest wait for an answer; then the gate goes on without.'),
  clients: count(100, 10_000_000).prefault(100_000).describe('The most clients that are remembered in this process.'),
})

export const store = z
  .codec(storeKeys, z.custom<MemoryStore | RedisStore>(), {
    decode: ({ file, url, password, prefix, commandWait, clients, kind }) => {
      if (kind === 'memory') return { kind, file, clients }
      return { kind, url, password: password ?? null, prefix, commandWait, clients }
    },
    encode: found => {
      const defaults = storeKeys.parse({})
      if (found.kind === 'memory') return { ...defaults, ...found }
      const { password, ...others } = found
      return { ...defaults, ...others, ...(password === null ? {} : { password }) }
    },
  })
  .prefault({})
  .describe('What the gate remembers of clients.')
