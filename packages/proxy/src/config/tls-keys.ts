import * as z from 'zod'
import { type Endpoint, type Listen, type ListenMode, listenModes, tlsVersions } from './config.ts'
import * as leaves from './leaves.ts'
import { formatEndpoint, parseEndpoint } from './scalars.ts'
import { section } from './section.ts'

export const tlsKeys = section({
  certificates: z
    .array(
      section({
        cert: leaves.path.describe('The PEM file of the certificate, its chain behind it.'),
        key: leaves.path.describe('The PEM file of its key, without a passphrase.'),
      }),
    )
    .max(1000)
    .prefault([])
    .describe(
      'The certificates of the gate, read again when they change. A client is shown the first that has the name it asks for (SNI), else the first of all.',
    ),
  min_version: z.enum(tlsVersions).prefault('TLSv1.2').describe('The oldest version of TLS that clients may use.'),
  ciphers: leaves.ciphers
    .optional()
    .describe("The ciphers for TLS 1.2 and the names of those for TLS 1.3. Default: Node's."),
})

/** `tls` null: as the certificates have it. */
export interface WrittenListen extends Endpoint {
  readonly tls: ListenMode | null
  readonly reusePort: boolean
}

const listenObject = z.strictObject({
  address: leaves.listenAddress.describe('Where clients connect.'),
  tls: z
    .enum(listenModes)
    .optional()
    .describe(
      "TLS with these clients: off; starttls: offered; required: no mail without; implicit: from the first octet (port 465); pass_through: STARTTLS is the backend's, and the gate sees nothing of what follows. Default: starttls where tls.certificates is set, else off.",
    ),
  reuse_port: z
    .boolean()
    .prefault(false)
    .describe(
      'Whether other gates on this machine may listen here as well, each in a process of its own, and the kernel shares the clients out (SO_REUSEPORT). Needs Node 22.12, 23.1 or later. Not for sockets of systemd.',
    ),
})

const plain = (address: string) => ({ address, tls: undefined, reuse_port: false })

/** An address and port, or keys. */
export const listenKeys = z
  .codec(z.union([listenObject, leaves.listenAddress]), z.custom<WrittenListen>(), {
    decode: found => {
      const { address, tls = null, reuse_port: reusePort } = typeof found === 'string' ? plain(found) : found
      const reading = parseEndpoint(address, 0)
      if ('problem' in reading) throw new Error(reading.problem)
      return { ...reading.value, tls, reusePort }
    },
    encode: ({ tls, reusePort, ...endpoint }) => {
      const address = formatEndpoint(endpoint)
      if (tls === null && !reusePort) return address
      return { address, ...(tls === null ? {} : { tls }), reuse_port: reusePort }
    },
  })
  .meta({ title: 'address and port', examples: ['127.0.0.1:2525', '[::1]:25', ':25'] })

/** What the mode of a port is where nothing is said of it. */
export const usualMode = (certificates: readonly unknown[]): ListenMode =>
  certificates.length > 0 ? 'starttls' : 'off'

/** With its mode, if it is not the usual one. */
export function writtenListen({ tls, ...address }: Listen, usual: ListenMode): WrittenListen {
  return { ...address, tls: tls === usual ? null : tls }
}
