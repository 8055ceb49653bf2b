import type { DnsInquiry } from './dns.ts'
import { isQueryName } from './spf/name.ts'

/** What the DNS has of the name in HELO: an address or a mail server (`found`), neither (`none`), or it did not say (`failed`). */
export type HelloName = 'found' | 'none' | 'failed'

/** Looks for the name of HELO. */
export function* inquireHello(argument: string): DnsInquiry<HelloName> {
  const name = argument.replace(/\.$/, '')
  if (!isQueryName(name)) return 'none'
  const answers = yield [
    { type: 'A', name },
    { type: 'AAAA', name },
    { type: 'MX', name },
  ]
  if (answers.some(({ kind }) => kind === 'records')) return 'found'
  return answers.some(({ kind }) => kind === 'failed') ? 'failed' : 'none'
}
