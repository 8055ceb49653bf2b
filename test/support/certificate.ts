// Certificates as openssl makes them, for one test.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Owner, tempDirectory } from './owner.ts'

export interface Certificate {
  /** Files in PEM. */
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

/** A certificate that has signed itself, and so is its own CA, for `names` (DNS names or addresses), valid for `days` (1 at least). */
export async function makeCertificate(owner: Owner, names: readonly string[], days = 30): Promise<Certificate> {
  const folder = await tempDirectory(owner, 'certificate')
  const certFile = join(folder, 'cert.pem')
  const keyFile = join(folder, 'key.pem')
  const alternatives = names.map(name => `${/^[\d.]+$|:/.test(name) ? 'IP' : 'DNS'}:${name}`)
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', `${days}`]
  const subject = ['-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternatives.join(',')}`]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', keyFile, '-out', certFile], {
    stdio: 'pipe',
  })
  return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}
