import { BoundedMap } from '@sallyport/rules'

/** Names of which no good is believed; at the cap the one doubted first is believed again, as if its block had not been heard of. */
export const mostDoubted = 10_000

/**
 * Names that were blocked, here or at another gate, of which Redis has not been heard since: what this process knows of them may still be
 * good. Until Redis has said what is known, everybody waits for it as for a stranger, and without it nothing that is known here counts in
 * their favour; what counts against them stays.
 *
 * Not taken: forgetting the name, after which a network that is blocked is one of which nothing is known, and the answer about it is no
 * longer waited for; it would lose what has not been written yet as well.
 */
export class Doubts {
  private readonly blocks = new BoundedMap<string, object>(mostDoubted)

  add(name: string): void {
    this.blocks.set(name, {})
  }

  has(name: string): boolean {
    return this.blocks.has(name)
  }

  /** To be called as Redis is asked; what it gives is called with the answer, and ends the doubt unless there has been a further block since. */
  asked(name: string): () => void {
    const block = this.blocks.get(name)
    return () => {
      if (block !== undefined && this.blocks.get(name) === block) this.blocks.delete(name)
    }
  }
}
