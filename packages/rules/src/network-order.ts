import { mask } from './network.ts'

// Typed arrays give `number | undefined` to the compiler; every position below is within bounds by construction.

/** Networks that one step handles, which takes a millisecond or two at most. */
const stepLength = 32 * 1024

/**
 * Networks of one family, sorted by address and then prefix, so that a network comes after the one that contains it; those inside
 * another one are left out.
 *
 * A million take some tenths of a second to sort, and whoever sorts them may have sessions waiting; so it goes step by step, by a
 * radix sort. Roads not taken: the built-in sort cannot be left in the middle; one sort for each leading octet is one long sort
 * again where all begin alike, as IPv6 addresses do; many short rows, each asked in turn, make every look-up pay.
 */
export class NetworkOrder {
  /** For each network the words of its address and then its prefix, unsorted. */
  private readonly words: Uint32Array
  private readonly width: number
  /** Positions of networks among the unsorted. */
  private order: Uint32Array
  private kept = 0

  private constructor(words: Uint32Array, width: number) {
    this.words = words
    this.width = width
    this.order = new Uint32Array(words.length / width)
  }

  /** Sorts networks of `width` words each, the last of which is the prefix. */
  static *of(words: Uint32Array, width: number): Generator<void, NetworkOrder> {
    const networks = new NetworkOrder(words, width)
    yield* networks.sort()
    for (const [from, to] of stepsOf(networks.order.length)) {
      networks.keepOutermost(from, to)
      yield
    }
    return networks
  }

  /** Networks that were kept. */
  get size(): number {
    return this.kept
  }

  /** Of the network at `position` in order, the word at `at`. */
  word(position: number, at: number): number {
    return this.words[(this.order[position] as number) * this.width + at] as number
  }

  /** By each octet, the least first; those in which no network differs from the others are passed over. */
  private *sort(): Generator<void> {
    const count = this.order.length
    const octets = 4 * this.width
    const counts = new Uint32Array(256 * octets)
    for (const [from, to] of stepsOf(count)) {
      this.start(counts, from, to)
      yield
    }
    let next: Uint32Array = new Uint32Array(count)
    for (let octet = 0; octet < octets; octet++) {
      const places = counts.subarray(256 * octet, 256 * (octet + 1))
      if (places.includes(count)) continue
      toPlaces(places)
      for (const [from, to] of stepsOf(count)) {
        this.place(octet, places, next, from, to)
        yield
      }
      ;[this.order, next] = [next, this.order]
    }
  }

  /** Begins with the order as it is, and counts how often each octet has each value. */
  private start(counts: Uint32Array, from: number, to: number): void {
    const { words, width, order } = this
    for (let position = from; position < to; position++) {
      order[position] = position
      for (let octet = 0; octet < 4 * width; octet++) {
        const word = words[position * width + width - 1 - (octet >>> 2)] as number
        const value = 256 * octet + ((word >>> (8 * (octet & 3))) & 255)
        counts[value] = (counts[value] as number) + 1
      }
    }
  }

  /** Moves each position to the next place for the value of its octet. */
  private place(octet: number, places: Uint32Array, next: Uint32Array, from: number, to: number): void {
    const { words, width, order } = this
    const at = width - 1 - (octet >>> 2)
    const shift = 8 * (octet & 3)
    for (let i = from; i < to; i++) {
      const position = order[i] as number
      const value = ((words[position * width + at] as number) >>> shift) & 255
      const place = places[value] as number
      places[value] = place + 1
      next[place] = position
    }
  }

  /** Two networks are either nested or apart, so that the last one kept contains the next if any does. */
  private keepOutermost(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const position = this.order[i] as number
      if (this.kept > 0 && this.contains(this.order[this.kept - 1] as number, position)) continue
      this.order[this.kept++] = position
    }
  }

  private contains(outer: number, inner: number): boolean {
    const { words, width } = this
    const prefix = words[outer * width + width - 1] as number
    for (let at = 0; 32 * at < prefix; at++) {
      const differs = (words[outer * width + at] as number) ^ (words[inner * width + at] as number)
      if ((differs & mask(prefix - 32 * at)) !== 0) return false
    }
    return true
  }
}

/** The positions below `count` in parts that one step handles. */
export function* stepsOf(count: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < count; from += stepLength) yield [from, Math.min(count, from + stepLength)]
}

/** Of how often each value occurs, makes the place of the first with that value. */
function toPlaces(counts: Uint32Array): void {
  let place = 0
  for (let value = 0; value < counts.length; value++) {
    const count = counts[value] as number
    counts[value] = place
    place += count
  }
}
