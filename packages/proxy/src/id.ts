import { randomInt } from 'node:crypto'

/** Crockford's base 32: no I, L, O, U, so that an id can be read out on the phone. */
const digits = '0123456789abcdefghjkmnpqrstvwxyz'

/** 2026-01-01T00:00:00Z in seconds. */
const epoch = 1_767_225_600

/**
 * Makes reference ids: 12 characters that sort by time (6 of seconds, 2 of this process, 4 of a counter), safe in shells and
 * replies. Unique within a process; between the processes of one second as unlikely to meet as two draws of 1,024 and the
 * same count. An id only finds a log line, it opens nothing, so it need not be unguessable.
 */
export class IdSource {
  private readonly process = encode(randomInt(1024), 2)
  private count = randomInt(1 << 20)

  /** `seconds`: the wall clock. */
  next(seconds: number): string {
    this.count = (this.count + 1) % (1 << 20)
    return encode(Math.max(0, Math.floor(seconds) - epoch), 6) + this.process + encode(this.count, 4)
  }
}

function encode(value: number, length: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < length; i++) {
    text = digits.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}
