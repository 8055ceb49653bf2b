import type { Access } from '@sallyport/rules'

/** What is known of a client before its session begins. */
export interface Arrival {
  /** The reference id: in every refusal and in the log. */
  readonly id: string
  readonly client: string
  readonly clientPort: number
  readonly access: Access
  /** The pause before the greeting, ms. */
  readonly greetWait: number
  /** A balancer's probe: answered, never judged or learnt from. */
  readonly health: boolean
}
