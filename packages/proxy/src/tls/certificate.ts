import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { KeyPair, TlsVersion } from '../config/config.ts'
import { markOf } from '../file-mark.ts'
import { PemFault, parsePem, readPem } from './pem.ts'

/** What all certificates of a gate have in common. */
export interface Terms {
  readonly minVersion: TlsVersion
  readonly ciphers: string | null
}

/** A certificate that can be shown. */
export interface Certificate {
  /** Its DNS names (subjectAltName), in lower case; with `*.` in front: one more label there. May be none. */
  readonly names: readonly string[]
  /** The last moment of its validity, ms since 1970. */
  readonly expires: number
  readonly context: SecureContext
}

/** One version of a pair of files. */
interface PairVersion {
  /** Two versions with the same mark are the same. */
  readonly mark: string
  /** A text says which file is at fault, and why. */
  readonly found: Certificate | string
}

export async function markOfPair({ cert, key }: KeyPair): Promise<string> {
  return `${await markOf(cert)} ${await markOf(key)}`
}

/** Reads both files; never rejects for what is in them, or for files that are not there. */
export async function readPair(pair: KeyPair, terms: Terms): Promise<PairVersion> {
  // Taken before the files are read: what is written meanwhile makes another version.
  const mark = await markOfPair(pair)
  try {
    const cert = await readPem(pair.cert)
    const key = await readPem(pair.key)
    return { mark, found: certificateOf(pair, cert, key, terms) }
  } catch (fault) {
    return { mark, found: fault instanceof PemFault ? fault.message : String(fault) }
  }
}

function certificateOf(pair: KeyPair, cert: string, key: string, terms: Terms): Certificate {
  const x509 = parsePem(pair.cert, 'no certificate in PEM', () => new X509Certificate(cert))
  const privateKey = parseKey(pair.key, key)
  if (!x509.checkPrivateKey(privateKey)) throw new PemFault(pair.key, `not the key of ${pair.cert}`)
  const context = parsePem(pair.cert, 'OpenSSL does not take it', () => contextOf(cert, key, terms))
  return { names: namesOf(x509), expires: Date.parse(x509.validTo), context }
}

function parseKey(path: string, key: string): KeyObject {
  if (/ENCRYPTED/.test(key)) throw new PemFault(path, 'the key has a passphrase: write it without')
  return parsePem(path, 'no private key in PEM', () => createPrivateKey(key))
}

/** Renegotiation (TLS 1.2) is refused: one more handshake for the price of a record, and no mail client needs it. */
function contextOf(cert: string, key: string, { minVersion, ciphers }: Terms): SecureContext {
  return createSecureContext({
    cert,
    key,
    minVersion,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(ciphers === null ? {} : { ciphers }),
  })
}

/** Names with anything but letters, digits, hyphens, dots and underscores come in quotes, and nobody asks for those. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').flatMap(entry => {
    const name = /^DNS:((?:\*\.)?[a-z0-9_.-]+)$/i.exec(entry)?.[1]
    return name === undefined ? [] : [name.toLowerCase()]
  })
}
