// Certificates for one test, made by openssl(1) and gone with it.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Owner, tempDirectory } from './owner.ts'
import { run } from './process.ts'

/** The names of two PEM files. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** An authority, and the certificates that it signs. Files of one folder. */
class Authority {
  readonly folder: string
  /** Its own certificate, for those who trust it. */
  readonly file: string
  #count = 0

  constructor(folder: string) {
    this.folder = folder
    this.file = join(folder, 'ca.pem')
  }

  /** Signs a certificate for DNS names, `IP:` in front of an address; `days` from now, below 0: it has expired. */
  async issue(names: readonly string[], days = 30): Promise<Pair> {
    const base = join(this.folder, `pair${this.#count++}`)
    const pair = { cert: `${base}.pem`, key: `${base}.key` }
    const alternatives = names.map(name => (name.startsWith('IP:') ? name : `DNS:${name}`)).join(',')
    const extensions = `${base}.ext`
    await writeFile(extensions, names.length === 0 ? '' : `subjectAltName=${alternatives}\n`)
    await openssl('req', '-new', ...newKey(pair.key), '-subj', '/CN=of no use', '-out', `${base}.csr`)
    const signing = ['-CA', this.file, '-CAkey', join(this.folder, 'ca.key'), '-set_serial', String(this.#count + 100)]
    await openssl(
      ...['x509', '-req', '-in', `${base}.csr`, '-days', String(days), ...signing],
      ...['-extfile', extensions, '-out', pair.cert],
    )
    return pair
  }

  /** The text of its certificate. */
  async text(): Promise<string> {
    return readFile(this.file, 'utf8')
  }
}

export async function makeAuthority(owner: Owner): Promise<Authority> {
  const authority = new Authority(await tempDirectory(owner, 'certificates'))
  const key = newKey(join(authority.folder, 'ca.key'))
  await openssl('req', '-x509', ...key, '-subj', '/CN=test authority', '-days', '30', '-out', authority.file)
  return authority
}

/** Puts another pair in the place of one, each file at once, as those who renew certificates do. */
export async function replacePair(pair: Pair, by: Pair): Promise<void> {
  for (const part of ['cert', 'key'] as const) {
    await writeFile(`${pair[part]}.new`, await readFile(by[part]))
    await rename(`${pair[part]}.new`, pair[part])
  }
}

/** A list of pairs, as `tls.certificates` has it. */
export const certificatesKey = (...pairs: readonly Pair[]): string =>
  `tls: { certificates: [${pairs.map(({ cert, key }) => `{ cert: '${cert}', key: '${key}' }`).join(', ')}] }`

const newKey = (file: string): string[] => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file],
]

async function openssl(...args: readonly string[]): Promise<void> {
  const { code, output } = await run('openssl', args)
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}\n${output}`)
}
