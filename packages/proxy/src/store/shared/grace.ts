/** How long who is known here for good waits for Redis, in ms: what good clients may notice of a Redis in trouble. */
const usualGrace = 5

/**
 * Who is known here for good waits 5 ms for Redis to confirm it, and then what this process knows is the answer. Once a node has been as
 * late as that, none of them waits for it any more until it has answered in time: a Redis that hangs or is slow costs its 5 ms once.
 * Everybody else waits as long as the breaker lets him: he waits for his greeting anyway.
 *
 * All are asked for all the same: late answers replace what is known here, so that it is as old as the client's session before. The
 * exception is a name of which a block was heard (doubts.ts): about it everybody waits for the answer.
 *
 * Everybody waits like that for whether there is a place (reception.ts).
 *
 * Not taken: a shorter wait for everybody, with which a bot that another gate knows would be a stranger here whenever Redis is farther
 * away than that; opening the breaker for it, which would stop the sharing of what is learnt.
 */
export class Grace {
  readonly #longest: number
  readonly #late = new Set<string>()

  constructor(longest = usualGrace) {
    this.#longest = longest
  }

  /** A node has answered after so many ms. */
  answered(node: string, ms: number): void {
    if (ms <= this.#longest) this.#late.delete(node)
  }

  /** The answer of a question to a node, if it comes soon enough; otherwise null. */
  answer<Answer>(node: string, question: Promise<Answer>): Promise<Answer | null> {
    return this.#race(node, question, () => this.#late.add(node))
  }

  /** The same of a question that may have to wait here for its turn: that it is late says nothing of the node. */
  answerInTurn<Answer>(node: string, question: Promise<Answer>): Promise<Answer | null> {
    return this.#race(node, question, () => undefined)
  }

  async #race<Answer>(node: string, question: Promise<Answer>, late: () => void): Promise<Answer | null> {
    if (this.#late.has(node)) return null
    let timer: NodeJS.Timeout | undefined
    const end = new Promise<null>(resolve => {
      timer = setTimeout(() => {
        late()
        resolve(null)
      }, this.#longest)
    })
    const answer = await Promise.race([question, end])
    clearTimeout(timer)
    return answer
  }
}
