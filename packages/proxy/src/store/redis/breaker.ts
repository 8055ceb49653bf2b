/** When a breaker opens and how often it looks whether the other side is back. Waits in ms. */
export interface BreakerLimits {
  /** Failures one after another, without a success between them, at which it opens. */
  readonly failures: number
  /** Failures closer together than this count as one: a stall of our own event loop lets many commands time out at once. */
  readonly apart: number
  /** The first wait before a probe; it doubles with each probe that fails. */
  readonly firstWait: number
  readonly longestWait: number
  /** Commands that may wait for their answers at once. */
  readonly outstanding: number
}

/** Back in use within five seconds of its return: the longest wait, and what is left for reconnecting. */
export const breakerLimits: BreakerLimits = {
  failures: 3,
  apart: 20,
  firstWait: 1000,
  longestWait: 4000,
  outstanding: 1000,
}

/**
 * Whether a server is worth asking. While it is up, every command is sent (up to a number outstanding); from the first failure to the
 * next answer it is silent: nobody waits for it; after a few failures in a row it is down, and nothing is sent but one probe now and
 * then. Knows no clock: `now` is an argument, in ms on a clock that only goes forward.
 *
 * Not taken: letting a client's own recall be the probe. It would cost that client the whole wait, and without clients nobody
 * would learn that the server is back. Opening at the first failure: one slow answer in a thousand, as when Redis forks, would end the
 * sharing for a second each time, with two lines of the log.
 */
export class Breaker {
  up = true
  /** A command was not answered, and nothing has been since: whoever comes now need not wait for this server. */
  silent = false
  /** While down: the instant of the next probe. */
  probeAt = 0
  outstanding = 0
  readonly #limits: BreakerLimits
  readonly #onChange: (up: boolean, reason: string) => void
  #failures = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #wait: number
  #probing = false

  /** `onChange` is told each change once, never a state it has been told before. */
  constructor(limits: BreakerLimits, onChange: (up: boolean, reason: string) => void) {
    this.#limits = limits
    this.#onChange = onChange
    this.#wait = limits.firstWait
  }

  /** Whether a command may be sent now. If so it must be given back, by `succeeded` or by `failed`. */
  take(): boolean {
    if (!this.up || this.outstanding >= this.#limits.outstanding) return false
    this.outstanding++
    return true
  }

  /** The command was answered, were it with a refusal: the server is there. */
  succeeded(): void {
    this.heard()
    this.#failures = 0
  }

  /** A command was answered that costs the server nothing: it is there, but may be too slow for others. */
  heard(): void {
    this.outstanding--
    this.silent = false
  }

  /** The command was not answered. */
  failed(now: number, reason: string): void {
    this.outstanding--
    this.silent = true
    if (!this.up || now - this.#failedAt < this.#limits.apart) return
    this.#failedAt = now
    if (++this.#failures >= this.#limits.failures) this.lost(now, reason)
  }

  /** The connection is gone: no command need fail to know it. */
  lost(now: number, reason: string): void {
    if (!this.up) return
    this.up = false
    this.#wait = this.#limits.firstWait
    this.probeAt = now + this.#wait
    this.#onChange(false, reason)
  }

  /** Whether a probe is due. If so its end must be told, by `restored` or by `probeFailed`. */
  probe(now: number): boolean {
    if (this.up || this.#probing || now < this.probeAt) return false
    this.#probing = true
    return true
  }

  restored(): void {
    this.#probing = false
    this.up = true
    this.silent = false
    this.#failures = 0
    this.#failedAt = Number.NEGATIVE_INFINITY
    this.#onChange(true, 'answers again')
  }

  probeFailed(now: number): void {
    this.#probing = false
    this.#wait = Math.min(this.#wait * 2, this.#limits.longestWait)
    this.probeAt = now + this.#wait
  }
}
