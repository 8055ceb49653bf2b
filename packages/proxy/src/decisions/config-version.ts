import { createHash } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { writtenOf } from '../config/render.ts'

/** The keys that judge. Where the gate listens, and what it remembers in, changes no verdict. */
const judging = [
  'hostname',
  'recipient_domains',
  'greet',
  'access',
  'dnsbl',
  'preset',
  'delays',
  'exceptions',
  'checks',
  'score',
  'offence_ttl',
  'message',
  'trap',
] as const

/**
 * Tells one policy from another, defaults included: 8 hexadecimal digits, the same on every gate that has the same keys. What stands
 * in files (lists of addresses) is not in it, but their names are.
 */
export function configVersion(config: Config): string {
  const written = writtenOf(config, true)
  const policy = judging.map(key => [key, written[key]])
  return createHash('sha256').update(JSON.stringify(policy)).digest('hex').slice(0, 8)
}
