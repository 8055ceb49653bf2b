import { latin1 } from './octets.ts'

const nothing = new Uint8Array(0)
/** Octets made room for at first. */
const first = 64

/**
 * The beginning of a line whose end has not come. It is kept as octets: a string that grows by one character at a time is a list
 * of such strings to the engine, and that takes thirty times as much memory as the characters do.
 */
export class Unfinished {
  private octets: Uint8Array = nothing
  private used = 0

  get length(): number {
    return this.used
  }

  append(octets: Uint8Array, from: number, to: number): void {
    const length = this.used + to - from
    if (length > this.octets.length) {
      const larger = new Uint8Array(Math.max(first, length, 2 * this.octets.length))
      larger.set(this.octets.subarray(0, this.used))
      this.octets = larger
    }
    this.octets.set(octets.subarray(from, to), this.used)
    this.used = length
  }

  /** The whole of it, one character an octet; nothing is kept. */
  take(): string {
    const text = latin1(this.octets, 0, this.used)
    this.clear()
    return text
  }

  clear(): void {
    this.octets = nothing
    this.used = 0
  }
}
