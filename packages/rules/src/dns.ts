/** A question to the DNS. A name is text without a final dot. */
export interface DnsQuestion {
  readonly type: 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR'
  readonly name: string
}

/**
 * What the DNS said. `absent`: no such name, or no such record; `failed`: nothing that could be used, or nothing in time.
 * Records as text: addresses, names (of MX the hosts, the most preferred first, the null MX as ''), and of TXT the strings joined.
 */
export type DnsAnswer =
  | { readonly kind: 'records'; readonly data: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed' }

/** Something that is found out by asking the DNS: takes the answers to each group of questions, in their order, and comes to an end. */
export type DnsInquiry<Found> = Generator<readonly DnsQuestion[], Found, readonly DnsAnswer[]>
