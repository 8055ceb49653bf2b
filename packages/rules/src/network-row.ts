import type { Words6 } from './address.ts'
import { mask } from './network.ts'

// Two networks are either nested or apart. With the nested ones left out the rest lie in a row, and of those only the last
// one that starts at or before an address can contain it. Hence a sorted array of starts, each with its prefix, and a
// binary search; sorted by start and then prefix, a network comes after the one that contains it.
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
    let next = 0
    starts.forEach((start, position) => {
      for (const leading = start >>> this.shift; next <= leading; next++) this.index[next] = position
    })
    this.index.fill(starts.length, next)
  }

  /** A network as one number, by which networks sort in the order of the row. */
  static key(bits: number, prefix: number): number {
    return bits * 64 + prefix
  }

  static of(keys: readonly number[]): Row4 {
    const sorted = Float64Array.from(keys).sort()
    const starts = new Uint32Array(sorted.length)
    const prefixes = new Uint8Array(sorted.length)
    let kept = 0
    for (const key of sorted) {
      const prefix = key % 64
      const start = (key - prefix) / 64
      if (kept > 0) {
        const differs = (start ^ (starts[kept - 1] as number)) & mask(prefixes[kept - 1] as number)
        if (differs === 0) continue
      }
      starts[kept] = start
      prefixes[kept] = prefix
      kept++
    }
    return new Row4(starts.slice(0, kept), prefixes.slice(0, kept))
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

/** IPv6 networks in a row. Without an index: the leading bits of addresses in use are nearly all the same. */
export class Row6 {
  /** Four words for each network. */
  private readonly starts: Uint32Array
  private readonly prefixes: Uint8Array

  private constructor(starts: Uint32Array, prefixes: Uint8Array) {
    this.starts = starts
    this.prefixes = prefixes
  }

  /** Of the starts, four words for each network, and as many prefixes; in any order. */
  static of(words: readonly number[], prefixes: readonly number[]): Row6 {
    const given = Uint32Array.from(words)
    const order = Uint32Array.from(prefixes.keys()).sort(
      (a, b) => compare(given, a, given, b) || (prefixes[a] as number) - (prefixes[b] as number),
    )
    const starts = new Uint32Array(given.length)
    const kept = new Uint8Array(prefixes.length)
    let count = 0
    for (const from of order) {
      if (count > 0 && agree(given, from, starts, count - 1, kept[count - 1] as number)) continue
      starts.set(given.subarray(4 * from, 4 * from + 4), 4 * count)
      kept[count] = prefixes[from] as number
      count++
    }
    return new Row6(starts.slice(0, 4 * count), kept.slice(0, count))
  }

  has(words: Words6): boolean {
    let low = 0
    let high = this.prefixes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(this.starts, middle, words, 0) <= 0) low = middle + 1
      else high = middle
    }
    return low > 0 && agree(words, 0, this.starts, low - 1, this.prefixes[low - 1] as number)
  }

  get size(): number {
    return this.prefixes.length
  }

  get bytes(): number {
    return this.starts.byteLength + this.prefixes.byteLength
  }
}

/** Four words for each address, one address after the other. */
type Rows = ArrayLike<number>

/** Negative, 0 or positive as address `i` of `a` is before, at or after address `j` of `b`. */
function compare(a: Rows, i: number, b: Rows, j: number): number {
  for (let word = 0; word < 4; word++) {
    const difference = (a[4 * i + word] as number) - (b[4 * j + word] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether address `i` of `a` and address `j` of `b` agree in the first `prefix` bits. */
function agree(a: Rows, i: number, b: Rows, j: number, prefix: number): boolean {
  for (let word = 0; 32 * word < prefix; word++) {
    const differs = (a[4 * i + word] as number) ^ (b[4 * j + word] as number)
    if ((differs & mask(prefix - 32 * word)) !== 0) return false
  }
  return true
}
