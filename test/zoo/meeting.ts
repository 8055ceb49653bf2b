/** Where those of a wave wait for each other. */
export class Meeting {
  #absent: number
  readonly #waiting: (() => void)[] = []

  /** `size`: how many there are of the wave. */
  constructor(size: number) {
    this.#absent = size
  }

  /** Resolves when all have come, or are gone. */
  come(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.leave()
    })
  }

  /** It has been there, or is not coming. */
  leave(): void {
    this.#absent--
    if (this.#absent <= 0) for (const wake of this.#waiting.splice(0)) wake()
  }
}
