import type { ArmingChange, Ledger, LoadReading, TeachingWord } from '@sallyport/rules'
import type { StoreHealth } from './store/index.ts'
import type { Certificates } from './tls/certificates.ts'

/** One of the servers behind the gate, under the name that the operator gave it. */
export interface ServerReading {
  readonly name: string
  readonly up: boolean
  /** Connections to it now. */
  readonly open: number
  /** How often it was left out after a failure. */
  readonly ejected: number
}

/** What is read at the moment of a scrape instead of being counted along. */
export interface Readings {
  connectionsOpen(): number
  connectionsLimit(): number
  draining(): boolean
  /** Clients that are trapped now. */
  trapped(): number
  load(): { readonly shed: number; readonly reading: LoadReading }
  backendUp(): boolean
  servers(): readonly ServerReading[]
  backendWaiting(): number
  logDropped(): number
  /** Decision records that could not be written. */
  decisionsDropped(): number
  /** Networks on the operator's lists, and when one was last read (seconds since 1970). */
  access(): { readonly allow: number; readonly deny: number; readonly loadedAt: number }
  /** DNS lists by their public names. */
  lists(): readonly { readonly name: string; readonly healthy: boolean }[]
  ledger(): Ledger
  disarmed(): readonly ArmingChange[]
  /** Words of the backend that teach nothing now. */
  disbelieved(): ReadonlySet<TeachingWord>
  certificates(): Pick<Certificates, 'expiries' | 'isCurrent'>
  store(): StoreHealth
  /** Sessions whose client was blocked meanwhile. */
  askedAgain(): number
}
