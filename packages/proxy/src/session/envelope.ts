/** The client's latest HELO or EHLO. */
export interface Hello {
  readonly verb: 'EHLO' | 'HELO'
  readonly name: string
  readonly line: string
}

/** A MAIL command, and what its parameters say of the transaction. */
export interface Mail {
  readonly line: string
  /** Addresses may hold UTF-8 (RFC 6531). */
  readonly smtputf8: boolean
  /** Bare CR and LF are content (RFC 3030 3). */
  readonly binary: boolean
  /** The size of the message as it was declared (RFC 1870 6.1), octets; null: it was not. */
  readonly size: number | null
}

/** What became of the recipients, as long as the gate speaks for the backend. */
export interface Transaction {
  /** What every RCPT of this transaction is answered, once the backend would not have it; null: nothing of the kind. */
  refusal: string | null
  /** What its recipients have heard so far: nothing yet, only 5xx, or at least one 4xx. */
  recipients: 'none' | 'refused' | 'deferred'
}

/** `parameters`: what stands behind the path. */
export function mailOf(line: string, parameters: string): Mail {
  const words = parameters.toUpperCase().split(/[ \t]+/)
  const size = Number(words.find(word => /^SIZE=\d{1,20}$/.test(word))?.slice(5) ?? 0)
  return {
    line,
    smtputf8: words.includes('SMTPUTF8'),
    binary: words.includes('BODY=BINARYMIME'),
    size: size === 0 ? null : size,
  }
}
