import { existsSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type Address, clientKey, type DnsblFinding, type ReverseName } from '@sallyport/rules'
import type { AccessLists } from '../access.ts'
import type { Config } from '../config/config.ts'
import { DnsblLookup, type DnsblOptions } from '../lookups/dnsbl.ts'
import { ReverseNameLookup } from '../lookups/reverse-name.ts'
import { Memory } from '../memory.ts'
import type { Recalled } from '../session/port.ts'
import { openStore } from '../store/index.ts'

/** What one DNS list says of a client now. */
export interface ListWord {
  /** Its public name. */
  readonly list: string
  readonly says: 'listed' | 'not listed' | 'no answer'
  /** What it adds to the rank. */
  readonly weight: number
}

/** All that can be found out about a client at this moment. */
export interface Knowledge {
  readonly client: Address
  readonly access: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  readonly remembered: Omit<Recalled, 'ask'>
  /** Where that is from, and how old. */
  readonly memory: string
  readonly lists: readonly ListWord[]
  /** Of all lists together; null: there are none. */
  readonly listed: DnsblFinding | null
  readonly name: ReverseName
  /** What could not be found out, and why. */
  readonly troubles: readonly string[]
}

const nothing = { passed: [], failed: [], client: null, network: null, hellos: null } as const

/** How long a shared store is waited for, ms. */
const storeWait = 3_000

/** Asks the store, the lists of the configuration and the DNS, as the gate would. Never rejects for what is wrong out there. */
export async function knowledgeOf(config: Config, client: Address, lists: AccessLists): Promise<Knowledge> {
  const troubles: string[] = []
  const [memory, words, name] = await Promise.all([
    recall(config, client, troubles),
    askLists(config.dnsbl, client),
    nameOf(config, client),
  ])
  for (const { list, says } of words.lists) if (says === 'no answer') troubles.push(`DNS list ${list}: no answer`)
  return { client, access: lists.where(client), ...memory, ...words, name, troubles }
}

async function recall(
  config: Config,
  client: Address,
  troubles: string[],
): Promise<Pick<Knowledge, 'remembered' | 'memory'>> {
  const { store } = config
  // To open a file that is not there would make its folder.
  if (store.kind === 'memory' && !existsSync(store.file))
    return { remembered: nothing, memory: `no file ${store.file} yet` }
  const warnings: string[] = []
  const log = { info() {}, warn: (message: string) => void warnings.push(message) }
  const opened = openStore(
    { ...store, fading: config.reputation.fading },
    { log, now: () => Math.floor(Date.now() / 1000) },
  )
  const late = performance.now() + storeWait
  while (!opened.health.up && performance.now() < late) await pause(20)
  const { up } = opened.health
  const { ask: _, ...remembered } = up
    ? await new Memory(opened).recall(clientKey(client), client)
    : { ask: '', ...nothing }
  await opened.close()
  if (!up || warnings.length > 0) troubles.push(`store: ${warnings.at(-1) ?? 'it does not answer'}`)
  return { remembered, memory: store.kind === 'redis' ? 'Redis, now' : `${store.file}, written ${age(store.file)} ago` }
}

function age(file: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - statSync(file).mtimeMs) / 1000))
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3600)} h`
}

async function askLists(options: DnsblOptions, client: Address): Promise<Pick<Knowledge, 'lists' | 'listed'>> {
  const names = [...new Set(options.zones.map(zone => zone.name))]
  if (names.length === 0) return { lists: [], listed: null }
  const listed = await finding(options, client)
  const lists = await Promise.all(
    names.map(async (list): Promise<ListWord> => {
      const { rank, failed } = await finding(
        { ...options, zones: options.zones.filter(({ name }) => name === list) },
        client,
      )
      return { list, weight: rank, says: failed > 0 ? 'no answer' : rank === 0 ? 'not listed' : 'listed' }
    }),
  )
  return { lists, listed }
}

/** What the lists say when all have answered, or none is waited for any more. */
function finding(options: DnsblOptions, client: Address): Promise<DnsblFinding> {
  const lookup = new DnsblLookup(options, () => {})
  return new Promise(resolve => {
    lookup.ask(client, found => {
      if (found.couldRise === 0 && Math.abs(found.couldFall) === 0) resolve(found)
    })
  })
}

function nameOf({ dnsbl }: Config, client: Address): Promise<ReverseName> {
  return new Promise(resolve =>
    new ReverseNameLookup({ resolvers: dnsbl.resolvers, wait: dnsbl.wait }).ask(client, resolve),
  )
}
