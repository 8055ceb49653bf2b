import type { BreakerLimits, DnsblZone, Fading, LoadLimits, Network, Policy } from '@sallyport/rules'
import type { Waits } from '../session/house.ts'
import type { RedisTls, RedisTopology } from '../store/redis/redis-topology.ts'
import type { TrapBudget } from '../traps.ts'

/** Where to listen, or whom to call. */
export interface Endpoint {
  /** The text of an address, or a host name. */
  readonly host: string
  /** 0 to 65535; 0 only where we listen: any free port. */
  readonly port: number
}

export const identities = ['proxy_v2', 'proxy_v1', 'xclient', 'xconnect', 'none'] as const
/** How the backend learns who the client is. */
export type Identity = (typeof identities)[number]

export const pickings = ['order', 'weight'] as const
/** Which of several servers a session gets. */
export type Picking = (typeof pickings)[number]

export const listenModes = ['off', 'starttls', 'required', 'implicit', 'pass_through'] as const
/**
 * TLS with the clients of a port. `off`: none; `starttls`: the gate offers it; `required`: and takes no mail without;
 * `implicit`: from the first octet (port 465); `pass_through`: STARTTLS is between the client and the backend.
 */
export type ListenMode = (typeof listenModes)[number]

/** Where to listen, and what for. */
export interface Listen extends Endpoint {
  readonly tls: ListenMode
  /** Whether other processes may listen there as well (SO_REUSEPORT). */
  readonly reusePort: boolean
}

export const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof tlsVersions)[number]

/** A certificate, with its chain, and its key: names of PEM files. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

export interface Tls {
  /** The first is for clients that ask for no name, or for one that no certificate has. Empty: the gate ends no TLS. */
  readonly certificates: readonly KeyPair[]
  readonly minVersion: TlsVersion
  /** As OpenSSL has them; null: Node's own list. */
  readonly ciphers: string | null
}

export const backendTlsModes = ['auto', 'off', 'opportunistic', 'required'] as const
export type BackendTlsMode = (typeof backendTlsModes)[number]

export const moments = ['rcpt', 'mail', 'greeting'] as const
/** When the backend is opened. */
export type Moment = (typeof moments)[number]

export const logins = ['tls', 'always', 'never'] as const
/** When a client may log in. */
export type Login = (typeof logins)[number]

export const bareNewlines = ['normalise', 'refuse'] as const
type BareNewline = (typeof bareNewlines)[number]

export const levels = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof levels)[number]

/**
 * A whole configuration, valid and with every default filled in. Waits are milliseconds, ttls seconds, sizes octets. The
 * meaning of each key is said once, in schema.ts, from where the reference and the JSON Schema have it too.
 */
export interface Config {
  readonly hostname: string
  readonly listen: readonly Listen[]
  readonly tls: Tls
  readonly trustedProxies: readonly Network[]
  readonly healthChecks: readonly Network[]
  readonly backend: Backend
  readonly routes: readonly Route[]
  /** Lower case. Empty: any; the backend decides. */
  readonly recipientDomains: readonly string[]
  /** Addresses, or with one `*` patterns of them. */
  readonly trapRecipients: readonly string[]
  readonly greet: Greet
  readonly access: AccessLists
  readonly dnsbl: Dnsbl
  readonly policy: Policy
  /** Files of the operator's own checks, which are in the policy. */
  readonly modules: readonly string[]
  /** How long a client that has too many connections waits for the word that sends it away, ms. */
  readonly turnedAway: number
  readonly extensions: Extensions
  readonly message: { readonly bareNewline: BareNewline }
  readonly trap: TrapBudget & { readonly interval: number; readonly piece: number; readonly wait: number }
  readonly decoy: Decoy
  readonly load: LoadLimits & { readonly perClient: number; readonly perNetwork: number }
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly reputation: Reputation
  /** null: checks act whatever comes of it. */
  readonly breaker: BreakerLimits | null
  readonly store: MemoryStore | RedisStore
  readonly decisions: Decisions
  /** `listen` null: no admin port. */
  readonly admin: { readonly listen: Endpoint | null }
  readonly log: { readonly level: Level }
  readonly drain: Drain
}

export interface BackendServer {
  readonly address: Endpoint
  /** 1 to 100. */
  readonly weight: number
}

/** Servers that stand in for each other, and how they are used. */
export interface BackendGroup {
  /** In the order written, one at least; null: the embedded MTA. */
  readonly servers: readonly BackendServer[] | null
  readonly pick: Picking
  /** To one server at a time. */
  readonly connections: number
  /** Sessions that may wait for a connection, and how long. */
  readonly queue: { readonly length: number; readonly wait: number }
  readonly identity: Identity
  readonly tls: BackendTlsMode
  /** A PEM file; none: what Node trusts. */
  readonly tlsCa: string | undefined
  /** The name in the certificate; none: the host of the address. */
  readonly tlsName: string | undefined
  /** The operator has said that the backend does not relay for the gate's own address. */
  readonly trustsGate: boolean
  readonly probeEvery: number
}

export interface Backend extends BackendGroup {
  readonly connect: Moment
  readonly auth: Login
  /** Where the embedded MTA delivers. */
  readonly maildir: string
}

/** A backend for some domains of recipients; never the embedded MTA. */
interface Route {
  /** Lower case; `*.example.net`: all below example.net. */
  readonly domains: readonly string[]
  readonly backend: BackendGroup
}

interface Extensions {
  /** Keywords in capitals. */
  readonly withhold: readonly string[]
  /** Verbs in capitals. */
  readonly verbs: 'any' | readonly string[]
}

interface Greet {
  readonly wait: number
  readonly networks: readonly { readonly network: Network; readonly wait: number }[]
}

export interface AccessLists {
  readonly allow: readonly Network[]
  readonly deny: readonly Network[]
  readonly allowFiles: readonly string[]
  readonly denyFiles: readonly string[]
}

export interface Dnsbl {
  readonly zones: readonly DnsblZone[]
  /** `192.0.2.1`, `192.0.2.1:5353` or `[2001:db8::1]:53`, as node:dns has them. Empty: the system's. */
  readonly resolvers: readonly string[]
  /** For one look-up. */
  readonly wait: number
  /** Bounds for the ttl of an answer, and the ttl of one that came without (seconds). */
  readonly ttl: { readonly min: number; readonly max: number; readonly fallback: number }
}

export interface Limits {
  readonly connections: number
  readonly perClient: number
  /** Of a /24, or of IPv6 a /48; not below `perClient`, whatever it says. */
  readonly perNetwork: number
  /** Octets, with its CR LF. */
  readonly commandLine: number
  /** In a session, between two messages. */
  readonly commands: number
}

export interface Timeouts extends Waits {
  /** For the PROXY header of a trusted proxy. */
  readonly proxyHeader: number
}

export interface Reputation {
  readonly fading: Fading
  readonly learnPrivate: boolean
}

export interface MemoryStore {
  readonly kind: 'memory'
  readonly file: string
  readonly clients: number
}

/** A URL and the passwords are never shown. */
export type RedisStore = RedisTopology & {
  readonly kind: 'redis'
  readonly username: string | null
  readonly password: string | null
  readonly tls: RedisTls | null
  readonly prefix: string
  readonly commandWait: number
  /** For how long what a gate holds is counted after its last word, ms. */
  readonly lease: number
  /** The bound of the local store that stands in while Redis is away. */
  readonly clients: number
}

export interface Decoy {
  /** Where a sample of the messages is kept; none: nowhere. */
  readonly folder: string | undefined
  /** The most files, and the octets of each. */
  readonly messages: number
  readonly size: number
  /** At a time. */
  readonly sessions: number
}

export interface Decisions {
  /** null: they are not written. */
  readonly file: string | null
  /** Octets of a file, and files in all. */
  readonly size: number
  readonly files: number
}

export interface Drain {
  readonly delay: number
  readonly wait: number
}
