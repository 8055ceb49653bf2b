/**
 * An instant: whole milliseconds on a clock that only goes forward, counted from the start of the process. Never the wall
 * clock, which jumps. Nothing in this package or in the session reads a clock: `now` is always an argument.
 */
export type Instant = number

/** The deadline of somebody who waits for nothing. */
export const never: Instant = Number.POSITIVE_INFINITY
