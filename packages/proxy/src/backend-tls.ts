import { isIP, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'

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
