import type { Resolver } from 'node:dns'
import type { DnsAnswer, DnsQuestion } from '@sallyport/rules'
import { isAbsent } from './resolver.ts'

/** Asks one question; never rejects. A name that the resolver will not ask about (RFC 952 letters, in effect) does not exist. */
export function askDns(resolver: Resolver, { type, name }: DnsQuestion): Promise<DnsAnswer> {
  return new Promise(resolve => {
    const tell = (error: NodeJS.ErrnoException | null, data: () => readonly string[]) => {
      if (error !== null) resolve({ kind: isAbsent(error) || error.code === 'EBADNAME' ? 'absent' : 'failed' })
      else resolve(data().length === 0 ? { kind: 'absent' } : { kind: 'records', data: data() })
    }
    switch (type) {
      case 'A':
        return resolver.resolve4(name, (error, found) => tell(error, () => found))
      case 'AAAA':
        return resolver.resolve6(name, (error, found) => tell(error, () => found))
      case 'PTR':
        return resolver.resolvePtr(name, (error, found) => tell(error, () => found))
      case 'TXT':
        return resolver.resolveTxt(name, (error, found) => tell(error, () => found.map(strings => strings.join(''))))
      case 'MX':
        return resolver.resolveMx(name, (error, found) =>
          tell(error, () => found.sort((a, b) => a.priority - b.priority).map(({ exchange }) => exchange)),
        )
      default:
        return type satisfies never
    }
  })
}
