/** How busy the gate and its backend are, ms. */
export interface LoadReading {
  /** How late the event loop came to its work of late, of a hundred times the one but worst. */
  readonly eventLoop: number
  /** How long the backend took of late to answer what costs it no look at a message. */
  readonly backend: number
}

/** From where clients are turned away for it. */
export interface LoadLimits extends LoadReading {
  /** The share of strangers that is turned away at worst, 0 to 1. */
  readonly shed: number
}

/**
 * The share of unknown clients that is turned away, 0 to `shed`: none at the limits, all of it at twice them. Never everybody: who is
 * turned away comes back, and one in ten getting through is how a gate under siege stays one (ACME Labs' 90 %). Sendmail has steps
 * where this has a slope (QueueLA, RefuseLA); its load average says little of a process that waits for the network.
 */
export function shedShare(reading: LoadReading, limits: LoadLimits): number {
  const over = (now: number, limit: number) => Math.min(1, Math.max(0, now / limit - 1))
  return limits.shed * Math.max(over(reading.eventLoop, limits.eventLoop), over(reading.backend, limits.backend))
}
