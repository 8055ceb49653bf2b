import type { Words6 } from './address.ts'
import { mask } from './network.ts'
import { type NetworkOrder, stepsOf } from './network-order.ts'

// Networks of which none is inside another lie in a row, and only the last one that starts at or before an address can contain
// it. Hence a sorted array of starts, each with its prefix, and a binary search.
// Typed arrays give `number | undefined` to the compiler; every position below is within bounds by construction.

/** IPv4 networks in a row. */
export class Row4 {
  private readonly starts: Uint32Array
  private readonly prefixes: Uint8Array
  /** By the leading bits of an address: the position of the first network that starts with these bits or later. */
  private readonly index: Uint32Array
  /** How many bits are not in the index. */
  private readonly shift: number

  private constructor(starts: Uint32Array, prefixes: Uint8Array) {
    this.starts = starts
    this.prefixes = prefixes
    // One entry for eight networks or more. 16 bits are 256 KiB and leave some four steps of the search among a million.
    const bits = Math.max(1, Math.min(16, Math.floor(Math.log2(starts.length + 1)) - 3))
    this.shift = 32 - bits
    this.index = new Uint32Array(2 ** bits + 1)
    let position = 0
    for (let leading = 0; leading < this.index.length; leading++) {
      while (position < starts.length && (starts[position] as number) >>> this.shift < leading) position++
      this.index[leading] = position
    }
  }

  /** Of networks of two words each: the address and the prefix. */
  static *of(networks: NetworkOrder): Generator<void, Row4> {
    const starts = new Uint32Array(networks.size)
    const prefixes = new Uint8Array(networks.size)
    for (const [from, to] of stepsOf(networks.size)) {
      for (let position = from; position < to; position++) {
        starts[position] = networks.word(position, 0)
        prefixes[position] = networks.word(position, 1)
      }
      yield
    }
    return new Row4(starts, prefixes)
  }

  has(bits: number): boolean {
    const leading = bits >>> this.shift
    let low = this.index[leading] as number
    let high = this.index[leading + 1] as number
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.starts[middle] as number) <= bits) low = middle + 1
      else high = middle
    }
    // The last network that starts at or before the address may lie before the part of the index that was searched.
    if (low === 0) return false
    return ((bits ^ (this.starts[low - 1] as number)) & mask(this.prefixes[low - 1] as number)) === 0
  }

  get size(): number {
    return this.starts.length
  }

  get bytes(): number {
    return this.starts.byteLength + this.prefixes.byteLength + this.index.byteLength
  }
}

/** Networks for each mark of an IPv6 row: a kilobyte of them, through which the search goes on. */
const markEvery = 64

/**
 * IPv6 networks in a row. The leading bits of addresses in use are nearly all the same, so that an index like that of IPv4 would not
 * tell them apart; the marks do, whatever the networks are, and a million networks have so few that the processor keeps them near.
 */
export class Row6 {
  /** Four words for each network. */
  private readonly starts: Uint32Array
  private readonly prefixes: Uint8Array
  /** The leading bits of every 64th network. */
  private readonly marks: Float64Array

  private constructor(starts: Uint32Array, prefixes: Uint8Array) {
    this.starts = starts
    this.prefixes = prefixes
    this.marks = Float64Array.from({ length: Math.ceil(prefixes.length / markEvery) }, (_, i) => {
      const at = 4 * markEvery * i
      return markOf(starts[at] as number, starts[at + 1] as number)
    })
  }

  /** Of networks of five words each: the address and the prefix. */
  static *of(networks: NetworkOrder): Generator<void, Row6> {
    const starts = new Uint32Array(4 * networks.size)
    const prefixes = new Uint8Array(networks.size)
    for (const [from, to] of stepsOf(networks.size)) {
      for (let position = from; position < to; position++) {
        for (let at = 0; at < 4; at++) starts[4 * position + at] = networks.word(position, at)
        prefixes[position] = networks.word(position, 4)
      }
      yield
    }
    return new Row6(starts, prefixes)
  }

  has(words: Words6): boolean {
    const mark = markOf(words[0], words[1])
    const below = this.marksBelow(mark)
    let low = markEvery * Math.max(0, below - 1)
    // Where more networks than one mark stands for begin alike, it is left to the words to tell them apart.
    let high = this.marks[below] === mark ? this.size : Math.min(this.size, markEvery * below)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.startsAfter(middle, words)) high = middle
      else low = middle + 1
    }
    return low > 0 && this.contains(low - 1, words)
  }

  get size(): number {
    return this.prefixes.length
  }

  get bytes(): number {
    return this.starts.byteLength + this.prefixes.byteLength + this.marks.byteLength
  }

  /** How many marks are less. */
  private marksBelow(mark: number): number {
    let low = 0
    let high = this.marks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.marks[middle] as number) < mark) low = middle + 1
      else high = middle
    }
    return low
  }

  private startsAfter(position: number, words: Words6): boolean {
    for (let at = 0; at < 4; at++) {
      const difference = (this.starts[4 * position + at] as number) - (words[at] as number)
      if (difference !== 0) return difference > 0
    }
    return false
  }

  private contains(position: number, words: Words6): boolean {
    const prefix = this.prefixes[position] as number
    for (let at = 0; 32 * at < prefix; at++) {
      const differs = (this.starts[4 * position + at] as number) ^ (words[at] as number)
      if ((differs & mask(prefix - 32 * at)) !== 0) return false
    }
    return true
  }
}

/** The leading 53 bits of an address, as many as a number holds. */
function markOf(first: number, second: number): number {
  return first * 2 ** 21 + (second >>> 11)
}
