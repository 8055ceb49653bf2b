import { type Address, address4, type SpfResult } from '@sallyport/rules'
import type { Dice } from './dice.ts'
import type { Visit } from './gate.ts'

export const kinds = ['one server', 'pool', 'forwarder', 'botnet', 'snowshoe', 'flood', 'hammer', 'holder'] as const
export type Kind = (typeof kinds)[number]

/** Kinds whose mail nobody may keep out. */
export const isHonest = (kind: Kind): boolean => kind === 'one server' || kind === 'pool' || kind === 'forwarder'

/** Who sends, and how. */
export interface Sender {
  readonly kind: Kind
  readonly addresses: readonly Address[]
  /** The domain of its confirmed names; null: it has none. */
  readonly domain: string | null
  /** Whose mail it carries is another's each time. */
  readonly forwards: boolean
  readonly spf: SpfResult
  /** The part of its mail that the backend refuses for its content. */
  readonly spam: number
  /** Whether it comes again when it is asked to. */
  readonly retries: boolean
  /** Seconds between two of its messages, on average. */
  readonly every: number
  /** When it sends: from and to, seconds since the start. */
  readonly from: number
  readonly to: number
  /** Seconds for which its connections stay open when all has been said. */
  readonly stays: number
  /** It is trusted when the simulation begins. */
  readonly isTrusted: boolean
}

/** The next message of a sender, from any of its addresses. */
export function messageOf(sender: Sender, dice: Dice, number: number): () => Visit {
  const domain = sender.forwards ? `author${dice.below(100_000)}.example.org` : (sender.domain ?? 'forged.example.org')
  const isSpam = dice.is(sender.spam)
  const from = `user${dice.below(50)}@${domain}`
  const recipient = `person${number}@example.test`
  return () => {
    const i = dice.below(sender.addresses.length)
    const client = sender.addresses[i]
    if (client === undefined) throw new Error('a sender without an address')
    const name = sender.domain === null ? null : `mx${i}.${sender.domain}`
    const { spf, stays } = sender
    return { client, name, hello: name ?? 'localhost.example.net', sender: from, spf, recipient, isSpam, stays }
  }
}

/** What the populations are, for gates of that number; `end`: how long all of it goes on, seconds. */
export interface Extent {
  readonly end: number
  readonly outage: { readonly from: number; readonly to: number }
  /** Of the usual number of senders. */
  readonly share: number
}

/** Networks are given out one after the other: those of bots are also those of every tenth honest sender. */
const botNetworks = 0x2d00_0000
const own = (i: number): number => 0x5000_0000 + (i << 8)

const always = (extent: Extent) => ({ stays: 0, from: 0, to: extent.end })

/** Four leases. */
const long = 120

function honest(extent: Extent, dice: Dice): Sender[] {
  const count = (usual: number) => Math.max(1, Math.round(usual * extent.share))
  const common = { forwards: false, retries: true, ...always(extent) }
  const single = Array.from({ length: count(200) }, (_, i): Sender => {
    // Every tenth is a neighbour of bots.
    const address = i % 10 === 0 ? botNetworks + (dice.below(count(300)) << 8) + 250 : own(i) + 25
    const about = {
      domain: `single${i}.example.com`,
      spf: 'pass',
      spam: 0.002,
      every: 900,
      isTrusted: i % 2 === 0,
    } as const
    return { kind: 'one server', addresses: [address4(address)], ...about, ...common }
  })
  const pools = Array.from({ length: count(12) }, (_, i): Sender => {
    const addresses = Array.from({ length: 24 }, (_, j) => address4(own(10_000 + i * 8 + (j % 8)) + 10 + j))
    // The SPF record of every third does not name its servers.
    const spf = i % 3 === 1 ? 'fail' : 'pass'
    const about = { domain: `pool${i}.example.com`, spf, spam: 0.03, every: 45, isTrusted: i % 3 === 0 } as const
    return { kind: 'pool', addresses, ...about, ...common }
  })
  const forwarders = Array.from({ length: count(12) }, (_, i): Sender => {
    const addresses = [address4(own(20_000 + i) + 25), address4(own(30_000 + i) + 25)]
    const about = { domain: `alumni${i}.example.edu`, spf: 'fail', spam: 0.02, every: 60, isTrusted: false } as const
    return { kind: 'forwarder', addresses, ...about, ...common, forwards: true }
  })
  return [...single, ...pools, ...forwarders]
}

function unwanted(extent: Extent, dice: Dice): Sender[] {
  const count = (usual: number) => Math.max(1, Math.round(usual * extent.share))
  const bots = Array.from({ length: count(1000) }, (_, i): Sender => {
    const addresses = [address4(botNetworks + (dice.below(count(300)) << 8) + dice.below(250))]
    const about = { domain: null, forwards: true, spf: 'none', spam: 0.9, isTrusted: false } as const
    return { kind: 'botnet', addresses, ...about, retries: i % 5 === 0, every: extent.end / 3, ...always(extent) }
  })
  const snowshoe = Array.from({ length: count(4) }, (_, i): Sender => {
    const addresses = Array.from({ length: 200 }, (_, j) => address4(own(40_000 + i) + 10 + j))
    const about = {
      domain: `offers${i}.example.net`,
      forwards: false,
      spf: 'pass',
      spam: 0.7,
      isTrusted: false,
    } as const
    return { kind: 'snowshoe', addresses, ...about, retries: true, every: 15, ...always(extent) }
  })
  const about = { domain: null, forwards: true, spf: 'none', spam: 0, isTrusted: false, retries: false } as const
  const neighbours = Array.from({ length: 200 }, (_, j) => address4(own(50_000) + 10 + j))
  const { from } = extent.outage
  const span = Math.min(80, from / 4)
  const early = { stays: 0, from: from / 4, to: from / 4 + span }
  const away = { stays: 0, from: from + 60, to: from + 60 + span }
  const { to } = extent.outage
  const holder = { kind: 'holder', ...about, every: 1 / 15, stays: long } as const
  const flood: Sender = { kind: 'flood', addresses: neighbours, ...about, every: 1 / 15, ...early }
  const hammer = { kind: 'hammer', ...about, every: 1 / 15 } as const
  return [
    ...bots,
    ...snowshoe,
    flood,
    { ...hammer, addresses: [address4(own(60_000) + 25)], ...early },
    { ...hammer, addresses: [address4(own(61_000) + 25)], ...away },
    // Connections are opened, and held, as fast as they can be: of one client, of one network, while the store is away, and when it is back.
    { ...early, ...holder, addresses: [address4(own(62_000) + 25)] },
    {
      ...early,
      ...holder,
      addresses: Array.from({ length: 200 }, (_, j) => address4(own(63_000) + 10 + j)),
      to: early.to + 60,
    },
    { ...away, ...holder, addresses: [address4(own(64_000) + 25)] },
    { ...holder, addresses: [address4(own(64_000) + 25)], from: to + 10, to: to + 10 + span },
  ]
}

export const populationOf = (extent: Extent, dice: Dice): readonly Sender[] => [
  ...honest(extent, dice),
  ...unwanted(extent, dice),
]
