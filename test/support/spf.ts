import { checkHost, type Facts, type SpfFinding } from '@sallyport/rules'
import { addressOf } from './address.ts'
import { askZone, type Zone } from './zone.ts'

export interface SpfCase {
  readonly client?: string
  readonly helo?: string
  readonly sender?: string
}

export interface Asked {
  readonly finding: SpfFinding
  /** The groups of questions. */
  readonly groups: readonly (readonly string[])[]
}

/** Runs one check over the zone. */
export function askSpf(zone: Zone, { client = '192.0.2.3', helo = 'mail.example.net', sender = '' }: SpfCase): Asked {
  const question = { client: addressOf(client), helo, sender, receiver: 'mx.example.test', now: 1_000_000 }
  const { found, groups } = askZone(zone, checkHost(question))
  return { finding: found, groups }
}

export const spfResult = (zone: Zone, it: SpfCase): string => askSpf(zone, it).finding.result

/** The sender is one of this domain's. */
export const passOf = (domain: string): Facts['spf'] => ({
  result: 'pass',
  domain,
  identity: 'mailfrom',
  mechanism: 'mx',
  problem: null,
  explanation: null,
})
