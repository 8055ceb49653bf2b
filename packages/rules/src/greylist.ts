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
  readonly tuple: string
  /** Seconds until it will be let in; 0: it has waited; `asked`: not known yet; null: the store did not say. */
  readonly wait: number | 'asked' | null
  /** What makes the client suspect, in words. */
  readonly suspicion: string
}

/**
 * Who writes whom. A sender with many servers comes back from another: so a verified name stands for all of its addresses, and
 * where there is none the network stands for them. Without that a message loops for as long as its sender has servers.
 */
export function greyTuple(client: Address, identity: string | null, sender: string, recipient: string): string {
  return `${identity ?? networkKey(client)} ${sender.toLowerCase()} ${recipient.toLowerCase()}`
}

/**
 * What has come again when the client has: its verified names, and its network only where it has none, as with tuples. Of these each new
 * address, sender and recipient is let in, so that neither a pool of servers nor a forwarder of many senders waits twice.
 */
export function standInsOf(verified: Verified, client: Address): readonly string[] {
  const names = identitiesOf(verified, client)
  return names.length > 0 ? names : [networkKey(client)]
}
