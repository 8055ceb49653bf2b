/** The client's latest HELO or EHLO. */
export interface Hello {
  readonly verb: 'EHLO' | 'HELO'
  readonly name: string
  readonly line: string
}

/** From MAIL on, as long as the gate speaks for the backend. */
export interface Transaction {
  readonly mailLine: string
  /** What every RCPT of this transaction is answered, once the backend would not have it; null: nothing of the kind. */
  refusal: string | null
  /** What its recipients have heard so far: nothing yet, only 5xx, or at least one 4xx. */
  recipients: 'none' | 'refused' | 'deferred'
}
