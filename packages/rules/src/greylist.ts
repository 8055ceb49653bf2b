import type { Address } from './address.ts'
import { identitiesOf, networkKey, type Verified } from './identity.ts'

/** How greylisting waits, in seconds. */
export interface GreyTimes {
  /** From the first attempt on all are deferred for so long. */
  readonly delay: number
  /** Who has not come again so long after the first attempt begins anew. */
  readonly window: number
  /** Who has come again is not asked to for so long after each mail, whoever writes to whom. */
  readonly keep: number
}

/** What is known of who writes whom, while a recipient waits for it. */
export interface Grey {
  /** Empty while the client's name is asked for. */
  readonly tuple: string
  /** Seconds until it will be let in; 0: it has waited; `naming`, `asked`: not known yet; null: the store did not say. */
  readonly wait: number | 'naming' | 'asked' | null
  /** What makes the client suspect, in words. */
  readonly suspicion: string
}

/**
 * Under what one client's attempts are noted, the surest first. A sender with many servers comes back from another: so its verified names
 * stand for all of its addresses, or a message would loop for as long as it has servers. And its network does always, as a name that
 * the DNS does not tell this time must not make it a stranger again.
 */
export function writersOf(verified: Verified, client: Address): readonly [string, ...string[]] {
  const [first, ...others] = identitiesOf(verified, client)
  const network = networkKey(client)
  return first === undefined ? [network] : [first, ...others, network]
}

/** Who writes whom. */
export function greyTuple(writer: string, sender: string, recipient: string): string {
  return `${writer} ${sender.toLowerCase()} ${recipient.toLowerCase()}`
}

/**
 * What has come again when the client has: its verified names, and its network only where it has none, as it has many others in it. Of these
 * each new address, sender and recipient is let in, so that neither a pool of servers nor a forwarder of many senders waits twice.
 */
export function standInsOf(verified: Verified, client: Address): readonly string[] {
  const names = identitiesOf(verified, client)
  return names.length > 0 ? names : [networkKey(client)]
}
