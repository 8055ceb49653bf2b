// Brings the faults of a seed on the links of the chain, each victim by itself, until it is told to stop.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Chain } from './chain.ts'
import { type Fault, type FaultKind, faultsOf, type Victim, victims } from './fault.ts'

/** A link that was away; times are of the wall clock, ms since 1970, as logs have them. */
export interface Absence {
  readonly victim: Victim
  readonly kind: FaultKind
  /** When it was killed, stopped or paused: it did nothing afterwards. */
  readonly from: number
  /** When nothing of it ran any more, or it was paused. */
  readonly gone: number
  /** When it was back. */
  readonly to: number
}

/** How long a gate is frozen before it is killed, ms: the backend has answered by then. */
const frozen = 300

export class Storm {
  readonly absences: Absence[] = []
  readonly #chain: Chain
  readonly #seed: number
  readonly #ended = new AbortController()
  readonly #lanes: Promise<unknown>

  constructor(chain: Chain, seed: number) {
    this.#chain = chain
    this.#seed = seed
    this.#lanes = Promise.all(victims.map(victim => this.#lane(victim)))
    // Whoever stops it hears of it; until then it is nobody's.
    this.#lanes.catch(() => {})
  }

  /** No further fault; resolves when all that is away is back. Rejects when something did not come back. */
  async stop(): Promise<void> {
    this.#ended.abort()
    await this.#lanes
  }

  async #lane(victim: Victim): Promise<void> {
    const { signal } = this.#ended
    for (const fault of faultsOf(victim, this.#seed)) {
      await sleep(fault.calm, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const [from, gone] = await this.#begin(fault)
      await sleep(fault.away)
      await this.#end(fault)
      this.absences.push({ victim, kind: fault.kind, from, gone, to: Date.now() })
    }
  }

  /** Gives when it was done to the victim, and when it was over with it. */
  async #begin({ victim, kind }: Fault): Promise<readonly [from: number, gone: number]> {
    const { gates, redis, backend } = this.#chain
    if (victim === 'gate1' || victim === 'gate2') {
      const gate = gates[victim]
      if (kind === 'frozen') {
        gate.signal('SIGSTOP')
        await sleep(frozen)
      }
      const from = Date.now()
      gate.signal('SIGKILL')
      await gate.exited
      return [from, Date.now()]
    }
    const from = Date.now()
    if (victim === 'backend') await backend.stop()
    else if (kind === 'paused') redis.pause()
    else await redis.kill()
    return [from, Date.now()]
  }

  async #end({ victim, kind }: Fault): Promise<void> {
    const { gates, redis, backend } = this.#chain
    if (victim === 'backend') await backend.start()
    else if (victim !== 'redis') await gates[victim].start()
    else if (kind === 'paused') redis.resume()
    else await redis.restart()
  }
}
