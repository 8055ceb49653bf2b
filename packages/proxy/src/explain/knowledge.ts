import {
  type Address,
  clientKey,
  type DnsblFinding,
  type HelloName,
  identitiesOf,
  type Repute,
  type ReverseName,
  type SenderDomain,
  type SpfFinding,
  senderDomainOf,
} from '@sallyport/rules'
import type { AccessLists } from '../access.ts'
import type { Config } from '../config/config.ts'
import { DnsblLookup, type DnsblOptions } from '../lookups/dnsbl.ts'
import { Lookups } from '../lookups/lookups.ts'
import type { Recalled } from '../session/port.ts'
import { domainOf } from '../smtp/path.ts'
import { houseToTry } from '../try/house.ts'
import { usualWorld } from '../try/world.ts'
import type { Remembered } from './remembered.ts'

/** What a client would say of itself and its mail: HELO, reverse-path and forward-path; null: who asks does not say. */
export interface Visit {
  readonly helo: string | null
  readonly from: string | null
  readonly to: string | null
}

/** What one DNS list says of a client now. */
interface ListWord {
  /** Its public name. */
  readonly list: string
  readonly says: 'listed' | 'not listed' | 'no answer'
  /** What it adds to the rank. */
  readonly weight: number
}

/** What the DNS says of what the client would say; null: not asked. */
interface Claims {
  readonly helloName: HelloName | null
  readonly senderDomain: SenderDomain | null
  readonly spf: SpfFinding | null
}

/** All that can be found out about a client at this moment. */
export interface Knowledge extends Claims {
  readonly client: Address
  readonly access: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  readonly remembered: Omit<Recalled, 'ask'>
  /** Where that is from, and how old. */
  readonly memory: string
  readonly lists: readonly ListWord[]
  /** Of all lists together; null: there are none. */
  readonly listed: DnsblFinding | null
  readonly name: ReverseName
  /** What is known of its verified names. */
  readonly identities: ReadonlyMap<string, Repute>
  /** Which rate it is beyond; `over` null: none. null: not asked. */
  readonly rate: { readonly over: string | null } | null
  /** What was not asked, and why. */
  readonly unasked: readonly string[]
  /** What could not be found out, and why. */
  readonly troubles: readonly string[]
}

/** Asks the store, the lists of the configuration and the DNS, as the gate would. Never rejects for what is wrong out there. */
export async function knowledgeOf(
  config: Config,
  client: Address,
  lists: AccessLists,
  visit: Visit,
  remembered: Remembered,
): Promise<Knowledge> {
  const lookups = new Lookups(config, { dnsbl() {}, health() {}, fault: rethrow })
  const [words, name] = await Promise.all([
    askLists(config.dnsbl, client),
    new Promise<ReverseName>(resolve => lookups.reverseName.ask(client, resolve)),
  ])
  const helo = visit.helo ?? (name.kind === 'confirmed' ? name.name : null)
  const claims = await askClaims(lookups, client, { ...visit, helo }, visit.helo !== null)
  const { rate, unasked } = await askRate(config, client, name, { ...visit, helo }, remembered)
  const { source, recalled, troubles, store } = remembered
  const identities = new Map<string, Repute>()
  for (const identity of identitiesOf({ spf: claims.spf, reverse: name }, client)) {
    const repute = (await store?.recall(identity))?.repute ?? null
    if (repute !== null) identities.set(identity, repute)
  }
  const known = { client, access: lists.where(client), remembered: recalled, memory: source, ...words, name, ...claims }
  return {
    ...known,
    ...{ identities, rate },
    unasked: [...unaskedOf(visit, helo), ...unasked],
    troubles: [...troubles, ...silent(known)],
  }
}

/** Our own fault. */
function rethrow(fault: unknown): never {
  throw fault
}

async function askClaims(lookups: Lookups, client: Address, visit: Visit, isHeloSaid: boolean): Promise<Claims> {
  const { helo, from } = visit
  const sender = from ?? ''
  // Where the sender is null it is HELO that SPF is asked about.
  const hasSubject = from !== null && (helo !== null || senderDomainOf(sender) !== null)
  const [helloName, senderDomain, spf] = await Promise.all([
    isHeloSaid ? new Promise<HelloName>(resolve => lookups.helloName(helo ?? '', resolve)) : null,
    senderDomainOf(sender) === null
      ? null
      : new Promise<SenderDomain>(resolve => lookups.senderDomain(sender, resolve)),
    hasSubject
      ? new Promise<SpfFinding>(resolve => lookups.spf.ask(client, { sender, hello: helo ?? '' }, resolve))
      : null,
  ])
  return { helloName, senderDomain, spf }
}

/** The rate, where it would act: who observes does not count. */
async function askRate(
  config: Config,
  client: Address,
  name: ReverseName,
  { helo, to }: Visit,
  { memory, isShared }: Remembered,
): Promise<Pick<Knowledge, 'rate' | 'unasked'>> {
  const known = name.kind === 'confirmed' ? name.name : null
  const recipient = to === null ? null : domainOf(to).toLowerCase()
  const plan = houseToTry(config, usualWorld.keywords).plans.for({ client, name: known, hello: helo, recipient })
  const planned = plan.checks.find(check => check.name === 'rate')
  if (planned === undefined || planned.action === 'observe') return { rate: null, unasked: [] }
  if (memory === null || !isShared) return { rate: null, unasked: ['rate: each gate counts for itself (store.kind)'] }
  return { rate: { over: await memory.rateLeft(plan, client, clientKey(client)) }, unasked: [] }
}

function unaskedOf({ from }: Visit, known: string | null): string[] {
  const unasked: string[] = []
  if (known === null) unasked.push('helo-unresolvable: say by --helo how it greets')
  if (from === null) unasked.push('spf, sender-domain: say by --from who writes')
  else if (known === null && senderDomainOf(from) === null)
    unasked.push('spf: of <> it is about HELO; say that by --helo')
  return unasked
}

/** Whose answer did not come. */
function silent({ lists, helloName, senderDomain, spf }: Claims & { readonly lists: readonly ListWord[] }): string[] {
  const troubles = lists.filter(({ says }) => says === 'no answer').map(({ list }) => `DNS list ${list}: no answer`)
  if (helloName === 'failed') troubles.push('the name in HELO: no answer')
  if (senderDomain === 'failed') troubles.push("the sender's domain: no answer")
  if (spf?.result === 'temperror') troubles.push(`SPF: ${spf.problem ?? 'no answer'}`)
  return troubles
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
