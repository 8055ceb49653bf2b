import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { BackendTls } from '../backend-tls.ts'
import type { Backend, BackendTlsMode, Endpoint } from '../config/config.ts'
import { codeOf } from '../file-mark.ts'

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
