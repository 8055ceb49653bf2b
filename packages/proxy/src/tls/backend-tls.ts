import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { Backend, BackendTlsMode, Endpoint } from '../config/config.ts'
import { codeOf } from '../error.ts'
import { flow } from '../flow.ts'
import { PemFault, parsePem, readPem } from './pem.ts'

/** TLS on connections to one server. */
export interface BackendTls {
  /**
   * - off: STARTTLS is not used.
   * - opportunistic: used where it is offered; any certificate will do, as against who only listens (RFC 7435).
   * - required: without it, and without a good certificate for `name`, the backend is not used.
   */
  readonly mode: 'off' | 'opportunistic' | 'required'
  /** The name, or the text of the address, that the certificate must be for. */
  readonly name: string
  /** It holds the CAs that may have signed the certificate, read once for all sessions; null: those that Node trusts. */
  readonly context: SecureContext | null
}

export const noTls: BackendTls = { mode: 'off', name: '', context: null }

let usualContext: SecureContext | null = null

/** One for all: it holds the CAs that Node trusts, some 140 of them. */
function usual(): SecureContext {
  usualContext ??= createSecureContext({ minVersion: 'TLSv1.2' })
  return usualContext
}

/** What is needed for TLS with a server, read; a text says what is wrong with the file of its CAs. */
export async function loadBackendTls(
  { tls, tlsCa, tlsName }: Pick<Backend, 'tls' | 'tlsCa' | 'tlsName'>,
  endpoint: Endpoint,
): Promise<BackendTls | string> {
  const at = { mode: modeFor(tls, endpoint), name: tlsName ?? endpoint.host }
  if (tlsCa === undefined) return { ...at, context: null }
  try {
    const ca = await readPem(tlsCa)
    // node:tls takes any text, and then trusts nobody.
    parsePem(tlsCa, 'no certificate in PEM', () => new X509Certificate(ca))
    return { ...at, context: createSecureContext({ ca, minVersion: 'TLSv1.2' }) }
  } catch (fault) {
    if (fault instanceof PemFault) return fault.message
    throw fault
  }
}

/** `auto`: on the way to another host whatever TLS there is, and none on this one. */
function modeFor(written: BackendTlsMode, { host }: Endpoint): BackendTls['mode'] {
  if (written !== 'auto') return written
  return /^127\.|^::1$|^localhost$/.test(host) ? 'off' : 'opportunistic'
}

/**
 * Begins the handshake as client on a connection whose server said 220 to STARTTLS; `secureConnect` follows, or `error`, which a
 * certificate that is not good is as well where TLS is required.
 */
export function beginTls(socket: Socket, { mode, name, context }: BackendTls): TLSSocket {
  return connect({
    socket,
    secureContext: context ?? usual(),
    // Whom the certificate must be for; SNI has no addresses (RFC 6066 3).
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: mode === 'required',
    ...flow,
  })
}

/** What is wrong with the certificate that the backend has shown; null: nothing. */
export function certificateFault(socket: TLSSocket): string | null {
  if (socket.authorized) return null
  // A text by its types; an error with a code where the name is another (ERR_TLS_CERT_ALTNAME_INVALID).
  return codeOf(socket.authorizationError)
}
