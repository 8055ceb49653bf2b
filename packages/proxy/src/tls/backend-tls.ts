import { readFile } from 'node:fs/promises'
import { isIP, type Socket } from 'node:net'
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { Backend, BackendTlsMode, Endpoint } from '../config/config.ts'
import { codeOf } from '../file-mark.ts'

/** TLS on a connection to a backend. */
export interface BackendTls {
  /**
   * - off: STARTTLS is not used.
   * - opportunistic: used where it is offered; any certificate will do, as against who only listens (RFC 7435).
   * - required: without it, and without a good certificate for `name`, the backend is not used.
   */
  readonly mode: 'off' | 'opportunistic' | 'required'
  /** The certificates (PEM) that may have signed the backend's; null: those of the system. */
  readonly ca: string | null
  /** The name, or the text of the address, that the certificate must be for. */
  readonly name: string
}

export const noTls: BackendTls = { mode: 'off', ca: null, name: '' }

/**
 * Begins the handshake as client on a connection whose server said 220 to STARTTLS; `secureConnect` follows, or `error`. It
 * ends well whatever the certificate: what to make of that is the caller's, by `certificateFault`.
 */
export function beginTls(socket: Socket, { ca, name }: BackendTls): TLSSocket {
  return connect({
    socket,
    // Whom the certificate must be for; SNI has no addresses (RFC 6066 3).
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(ca === null ? {} : { ca }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  })
}

/** What is wrong with the certificate that the backend has shown; null: nothing. */
export function certificateFault(socket: TLSSocket): string | null {
  if (socket.authorized) return null
  // A text by its types; an error with a code where the name is another (ERR_TLS_CERT_ALTNAME_INVALID).
  const fault: unknown = socket.authorizationError
  if (fault instanceof Error) return 'code' in fault ? String(fault.code) : fault.message
  return String(fault)
}

/** For sessions, which are many: the CAs are read once. */
export interface SessionTls extends BackendTls {
  readonly context: SecureContext
}

/** One for all: it holds the CAs that Node trusts, some 140 of them. */
let usualContext: SecureContext | null = null

/** Reads what is needed for TLS with a server; a text says what is wrong with the file of its CAs. */
export async function loadBackendTls(
  { tls, tlsCa, tlsName }: Pick<Backend, 'tls' | 'tlsCa' | 'tlsName'>,
  endpoint: Endpoint,
): Promise<SessionTls | string> {
  const at = { mode: modeFor(tls, endpoint), name: tlsName ?? endpoint.host }
  if (tlsCa === undefined) {
    usualContext ??= createSecureContext({ minVersion: 'TLSv1.2' })
    return { ...at, ca: null, context: usualContext }
  }
  try {
    const ca = await readFile(tlsCa, 'latin1')
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) return `${tlsCa}: no certificate in PEM`
    return { ...at, ca, context: createSecureContext({ ca, minVersion: 'TLSv1.2' }) }
  } catch (fault) {
    return `${tlsCa}: cannot be read (${codeOf(fault)})`
  }
}

/** `auto`: on the way to another host whatever TLS there is, and none on this one. */
function modeFor(written: BackendTlsMode, { host }: Endpoint): BackendTls['mode'] {
  if (written !== 'auto') return written
  return /^127\.|^::1$|^localhost$/.test(host) ? 'off' : 'opportunistic'
}
