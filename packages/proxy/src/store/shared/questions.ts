import { errorText } from '../../error.ts'
import { isRefusal } from '../redis/redis-connection.ts'
import type { RedisNodes } from '../redis/redis-nodes.ts'
import type { StoreLog } from '../store.ts'
import type { Grace } from './grace.ts'
import { Refusal } from './refusal.ts'

/**
 * What came of asking Redis, to read or to write; `refused`: it said no; `failed`: it did not say in time, or the connection was lost, and what
 * was asked may have been done; `not asked`: it is known not to answer, or too many wait for it already.
 */
export type Asked<Answer> = { readonly answer: Answer } | 'refused' | 'failed' | 'not asked'

/** Asks the nodes of Redis that are worth asking; by what comes of it is known which are, how late they are, and whether they refuse. */
export class Questions {
  readonly #nodes: RedisNodes
  readonly #grace: Grace
  readonly #refusals: { readonly reads: Refusal; readonly writes: Refusal }

  constructor(nodes: RedisNodes, grace: Grace, log: StoreLog) {
    this.#nodes = nodes
    this.#grace = grace
    this.#refusals = { reads: new Refusal('reads', log), writes: new Refusal('writes', log) }
  }

  /** Never rejects. */
  async ask<Answer>(what: 'reads' | 'writes', node: string, command: () => Promise<Answer>): Promise<Asked<Answer>> {
    const breaker = this.#nodes.take(node)
    if (breaker === null) return 'not asked'
    const begun = performance.now()
    try {
      const answer = await command()
      breaker.succeeded()
      this.#grace.answered(node, performance.now() - begun)
      this.#refusals[what].granted(performance.now())
      return { answer }
    } catch (error) {
      if (isRefusal(error)) {
        breaker.succeeded()
        this.#refusals[what].refused(performance.now(), errorText(error))
        return 'refused'
      }
      this.#nodes.failed(node, breaker, errorText(error))
      return 'failed'
    }
  }
}
