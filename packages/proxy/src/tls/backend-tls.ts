import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Backend, BackendTlsMode, Endpoint } from '../config/config.ts'
import { codeOf } from '../file-mark.ts'

/** How the gate speaks TLS to a backend. */
export interface BackendTls {
  /** `opportunistic`: whoever answers will do; `required`: it must have a certificate of `name` that a known CA has signed. */
  readonly mode: 'off' | 'opportunistic' | 'required'
  /** A name or an address. */
  readonly name: string
  readonly context: SecureContext
}

/** One for all: it holds the CAs that Node trusts, some 140 of them. */
let usualContext: SecureContext | null = null

/** Reads what is needed for TLS with a server; a text says what is wrong with the file of its CAs. */
export async function loadBackendTls(
  { tls, tlsCa, tlsName }: Pick<Backend, 'tls' | 'tlsCa' | 'tlsName'>,
  endpoint: Endpoint,
): Promise<BackendTls | string> {
  const context = await loadContext(tlsCa)
  if (typeof context === 'string') return context
  return { mode: modeFor(tls, endpoint), name: tlsName ?? endpoint.host, context }
}

async function loadContext(ca: string | undefined): Promise<SecureContext | string> {
  if (ca === undefined) {
    usualContext ??= createSecureContext({ minVersion: 'TLSv1.2' })
    return usualContext
  }
  try {
    const pem = await readFile(ca, 'latin1')
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) return `${ca}: no certificate in PEM`
    return createSecureContext({ ca: pem, minVersion: 'TLSv1.2' })
  } catch (fault) {
    return `${ca}: cannot be read (${codeOf(fault)})`
  }
}

/** `auto`: on the way to another host whatever TLS there is, and none on this one. */
function modeFor(written: BackendTlsMode, { host }: Endpoint): BackendTls['mode'] {
  if (written !== 'auto') return written
  return /^127\.|^::1$|^localhost$/.test(host) ? 'off' : 'opportunistic'
}
