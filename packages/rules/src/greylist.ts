import type { Address } from './address.ts'
import { networkKey } from './identity.ts'

/** How greylisting waits, in seconds. */
export interface GreyTimes {
  /** From the first attempt on all are deferred for so long. */
  readonly delay: number
  /** Who has not come again so long after the first attempt begins anew. */
  readonly window: number
  /** Who has waited is let in for so long after each mail. */
  readonly keep: number
}

/** What is known of who writes whom, while a recipient waits for it. */
export interface Grey {
  readonly tuple: string
  /** Seconds until it will be let in; 0: it has waited; `asked`: not known yet; null: the store did not say. */
  readonly wait: number | 'asked' | null
}

/**
 * Who writes whom. A sender with many servers comes back from another: so a verified name stands for all of its addresses, and
 * where there is none the network stands for them. Without that a message loops for as long as its sender has servers.
 */
export function greyTuple(client: Address, identity: string | null, sender: string, recipient: string): string {
  return `${identity ?? networkKey(client)} ${sender.toLowerCase()} ${recipient.toLowerCase()}`
}
