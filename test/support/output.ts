/**
 * What a program has written: all of it up to a limit, above that at least the last so many characters. It is kept as it came, so that
 * neither a further piece nor a look at the latest costs more the longer it is.
 */
export class Output {
  readonly #limit: number
  #pieces: string[] = []
  #length = 0
  /** How many characters came before those that are kept. */
  #dropped = 0

  /** `limit`: in characters. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(piece: string): void {
    this.#pieces.push(piece)
    this.#length += piece.length
    // Not at each piece: what is left would be moved each time.
    if (this.#length >= 2 * this.#limit) this.#shorten()
  }

  /** How many characters have come so far. */
  get end(): number {
    return this.#dropped + this.#length
  }

  /** All that is kept. */
  get text(): string {
    return this.since(0)
  }

  /** What has come since there were so many characters, as far as it is kept. */
  since(position: number): string {
    let from = this.end
    let first = this.#pieces.length
    while (first > 0 && from > position) from -= this.#pieces[--first]?.length ?? 0
    return this.#pieces
      .slice(first)
      .join('')
      .slice(Math.max(0, position - from))
  }

  #shorten(): void {
    let first = 0
    for (let rest = this.#length; ; first++) {
      rest -= this.#pieces[first]?.length ?? 0
      if (rest < this.#limit) break
      this.#length = rest
    }
    this.#dropped += this.#pieces.splice(0, first).reduce((sum, { length }) => sum + length, 0)
  }
}
