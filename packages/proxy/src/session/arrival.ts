import { type Access, type Address, type CheckName, type Facts, isPrivate } from '@sallyport/rules'

/** What TLS came to with the client. */
export interface TlsInfo {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly version: string
  readonly cipher: string
  /** The name that the client asked for (SNI), from the wire; null: none. */
  readonly serverName: string | null
}

/**
 * Whose STARTTLS it is: `offered`: the gate's, if the client likes; `required`: the gate's, and nothing else is heard before;
 * `pass_through`: the backend's, and the gate sees nothing of what follows; `off`: nobody's.
 */
export type Starttls = 'off' | 'offered' | 'required' | 'pass_through'

/** What is known of a client before its session begins. */
export interface Arrival {
  /** The reference id: in every refusal and in the log. */
  readonly id: string
  readonly client: Address
  readonly clientPort: number
  /** The address of the trusted proxy through which it came; null: it came by itself. */
  readonly proxy: string | null
  /** The address at which the client reached us; null: not known. */
  readonly server: Address | null
  readonly access: Access
  /** What chance has thrown for it, 0 to 1: whether it is among those that are turned away under load. */
  readonly dice: number
  /** The pause before the greeting, ms. */
  readonly greetWait: number
  /** Checks that only observe it, because they are not to be relied on now. */
  readonly disarmed: ReadonlySet<CheckName>
  /** A balancer's probe: answered, never judged or learnt from. */
  readonly health: boolean
  readonly starttls: Starttls
  /** TLS was there before the first command (port 465); null: it was not. */
  readonly tls: TlsInfo | null
}

/** What is known of a session before its first octet. */
export function noteArrival(facts: Facts, { client, access, greetWait }: Arrival): void {
  facts.client = client.text
  facts.clientIsPrivate = isPrivate(client)
  facts.access = access
  facts.greetWait = greetWait
}
