/** How long something may be missing, ms, until it is looked for; twice as long after each time, up to the last. */
const [first, last] = [1_500, 12_000]
/** When nothing was missing for so long, ms, it is the first time again. */
const settled = 120_000

/** Looks for what is missing once it has been so for a while, and more and more seldom where that happens again and again. */
export class Search {
  readonly #look: () => void
  #timer: NodeJS.Timeout | null = null
  #lookedAt = Number.NEGATIVE_INFINITY
  #wait = first

  constructor(look: () => void) {
    this.#look = look
  }

  /** Something is missing. */
  begin(): void {
    if (this.#timer !== null) return
    const isFirst = performance.now() - this.#lookedAt > settled
    this.#wait = isFirst ? first : Math.min(this.#wait * 2, last)
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#lookedAt = performance.now()
      this.#look()
    }, this.#wait).unref()
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
