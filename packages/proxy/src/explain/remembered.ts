import { existsSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type Address, clientKey } from '@sallyport/rules'
import type { Config } from '../config/config.ts'
import { weightsOf } from '../house.ts'
import { Memory } from '../memory.ts'
import type { Recalled } from '../session/port.ts'
import { openStore, type Store } from '../store/index.ts'

const nothing = { passed: [], failed: [], client: null, network: null, hellos: null } as const

/** How long a shared store is waited for, ms. */
const storeWait = 3_000

/** What the memory of the gates says of a client, as long as it is open. Nothing is written, and nothing counted. */
export interface Remembered {
  readonly memory: Memory | null
  readonly store: Store | null
  /** Of the client and its network. */
  readonly recalled: Omit<Recalled, 'ask'>
  /** Where that is from, and how old. */
  readonly source: string
  /** What counts is in the store, and not in a running gate alone. */
  readonly isShared: boolean
  readonly troubles: readonly string[]
  close(): Promise<void>
}

/** Opens the memory and asks it. Never rejects; while it does not answer nothing is remembered, which is a trouble. */
export async function remember(config: Config, client: Address): Promise<Remembered> {
  const { store } = config
  const none = { memory: null, store: null, recalled: nothing, isShared: false, troubles: [], close: async () => {} }
  // To open a file that is not there would make its folder.
  if (store.kind === 'memory' && !existsSync(store.file)) return { ...none, source: `no file ${store.file} yet` }
  const source = store.kind === 'redis' ? 'Redis, now' : `${store.file}, written ${age(store.file)} ago`
  const warnings: string[] = []
  const log = { info() {}, warn: (message: string) => void warnings.push(message) }
  const opened = openStore({ ...store, ...weightsOf(config) }, { log, now: () => Math.floor(Date.now() / 1000) })
  const late = performance.now() + storeWait
  while (!opened.health.up && performance.now() < late) await pause(20)
  const close = () => opened.close()
  if (!opened.health.up)
    return { ...none, source, close, troubles: [`store: ${warnings.at(-1) ?? 'it does not answer'}`] }
  const memory = new Memory(opened)
  const { ask: _, ...recalled } = await memory.recall(clientKey(client), client)
  const troubles = warnings.slice(-1).map(warning => `store: ${warning}`)
  return { memory, store: opened, recalled, source, isShared: store.kind === 'redis', troubles, close }
}

function age(file: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - statSync(file).mtimeMs) / 1000))
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3600)} h`
}
