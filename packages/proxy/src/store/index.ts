import { type MemoryOptions, MemoryStore } from './memory/memory.ts'
import type { RedisOptions } from './redis/redis.ts'
import { SharedStore } from './shared/shared.ts'
import type { Store, StoreWorld } from './store.ts'

export type { ClientRecord, Store, StoreHealth, StoreLog, StoreWorld, Weights } from './store.ts'
export type StoreOptions = MemoryOptions | RedisOptions

/** Opens the store that the configuration names. Returns at once but for the reading of the file; nothing that is wrong throws. */
export function openStore(options: StoreOptions, world: StoreWorld): Store {
  switch (options.kind) {
    case 'memory':
      return new MemoryStore(options, world.log, world.now)
    case 'redis':
      return new SharedStore(options, world)
    default:
      return options satisfies never
  }
}
