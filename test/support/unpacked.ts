import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** What `npm test` has unpacked (scripts/unpacked.mjs), as seen from test/dist/support/. */
const cache = resolve(import.meta.dirname, '../../../var/cache/unpacked')

/** The absolute path of a file of the packages unpacked under this name; throws where it is not there. */
export function unpacked(
  name: 'exim' | 'opensmtpd' | 'sendmail' | 'prometheus' | 'haproxy' | 'nginx' | 'valkey',
  file = '.',
): string {
  const path = resolve(cache, name, file)
  if (!existsSync(path)) throw new Error(`${path} is missing: npm test unpacks it`)
  return path
}
