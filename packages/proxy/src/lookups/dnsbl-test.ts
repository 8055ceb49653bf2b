import { type DnsblZone, readAnswer } from '@sallyport/rules'

/** What a test point of a list said: its addresses, null: not listed; or the DNS's error. */
export type PointAnswer = { readonly addresses: readonly string[] | null } | { readonly fault: string }

/** The addresses of the test points (RFC 5782 5): every list must list the first and none the second. */
export const testPoints = { listed: '2.0.0.127', clean: '1.0.0.127' } as const

/** What the listed test point says of a list. */
type ListedPoint = 'listed' | 'by other answers' | 'refuses' | 'not listed' | 'no list' | 'no answer'

/** `readers`: how the list's answers are read. */
export function readListedPoint(readers: readonly DnsblZone[], answer: PointAnswer): ListedPoint {
  if ('fault' in answer) return 'no answer'
  const { addresses } = answer
  if (addresses === null) return 'not listed'
  const readings = readers.flatMap(zone => addresses.map(address => readAnswer(zone, address)))
  if (readings.includes('listed')) return 'listed'
  if (addresses.some(address => address.startsWith('127.255.255.'))) return 'refuses'
  return readings.includes('error') ? 'no list' : 'by other answers'
}

type CleanPoint = 'not listed' | 'listed' | 'no answer'

export function readCleanPoint(answer: PointAnswer): CleanPoint {
  if ('fault' in answer) return 'no answer'
  return answer.addresses === null ? 'not listed' : 'listed'
}

/** What is wrong with a list; empty: nothing; null: that could not be told, for lack of an answer. */
export function faultOfList(listed: ListedPoint, clean: CleanPoint): string | null {
  switch (listed) {
    case 'not listed':
      return '127.0.0.2 is not listed, as it must be'
    case 'refuses':
      return 'it refuses this resolver (127.255.255.x)'
    case 'no list':
      return 'its answer to 127.0.0.2 is none of a list'
    case 'no answer':
    case 'by other answers':
    case 'listed':
      break
    default:
      return listed satisfies never
  }
  if (clean === 'listed') return '127.0.0.1 is listed, as it must not be'
  return listed === 'no answer' || clean === 'no answer' ? null : ''
}
