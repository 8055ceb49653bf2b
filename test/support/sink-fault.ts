// What can go wrong with a backend, as a test says it.

/**
 * Where in the session a fault strikes: at the answer to a command, while a message's octets come in (`body`), or at the answer to
 * its end (`message`).
 */
export type Stage =
  | 'greeting'
  | 'helo'
  | 'ehlo'
  | 'xclient'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'bdat'
  | 'body'
  | 'message'
  | 'rset'
  | 'noop'
  | 'quit'
  | 'other'

/**
 * - `hang`: never answers again; in the `body` it stops reading instead, until `resume()`.
 * - `fin`, `rst`: closes instead of answering, in order or by a reset.
 * - `reply`: answers `text` instead, and then closes if told so. In the `body`: speaks up in the middle of the message.
 * - `extra`: answers properly and at once says `text` too, which nobody asked for.
 * - `delay`: answers properly, but `ms` later.
 *
 * CR LF is added to `text`; the lines within it are parted by CR LF.
 */
export type Fault = Occurrence &
  (
    | { readonly kind: 'hang' }
    | { readonly kind: 'fin' }
    | { readonly kind: 'rst' }
    | { readonly kind: 'reply'; readonly text: string; readonly close?: 'fin' | 'rst' }
    | { readonly kind: 'extra'; readonly text: string }
    | { readonly kind: 'delay'; readonly ms: number }
  )

interface Occurrence {
  /** How many times it strikes before all is well again; always, unless given. In the `body` once a message at the most. */
  readonly times?: number
  /** `body` only: strikes when this many octets of the message have come; 1 unless given. */
  readonly octets?: number
}

/** The faults set at present. */
export class Faults {
  readonly #set = new Map<Stage, { readonly fault: Fault; left: number }>()

  set(stage: Stage, fault: Fault | undefined): void {
    if (fault === undefined) this.#set.delete(stage)
    else this.#set.set(stage, { fault, left: fault.times ?? Number.POSITIVE_INFINITY })
  }

  /** Whether one is set that has not struck as often as it shall. */
  isSet(stage: Stage): boolean {
    return this.#set.has(stage)
  }

  /** The fault that strikes now, if there is one; counts as one of its times. */
  strike(stage: Stage, bodyOctets = 0): Fault | undefined {
    const set = this.#set.get(stage)
    if (set === undefined || (stage === 'body' && bodyOctets < (set.fault.octets ?? 1))) return undefined
    set.left -= 1
    if (set.left <= 0) this.#set.delete(stage)
    return set.fault
  }
}
