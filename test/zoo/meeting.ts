/** Where those of a wave wait for each other, as often as they like. */
export class Meeting {
  #present: number
  readonly #waiting: (() => void)[] = []

  /** `size`: how many there are of the wave. */
  constructor(size: number) {
    this.#present = size
  }

  /** Resolves when all that have not left have come. */
  come(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#begin()
    })
  }

  /** It is not coming any more. */
  leave(): void {
    this.#present--
    this.#begin()
  }

  #begin(): void {
    if (this.#waiting.length >= this.#present) for (const wake of this.#waiting.splice(0)) wake()
  }
}
