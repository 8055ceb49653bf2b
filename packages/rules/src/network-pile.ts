import { NetworkOrder } from './network-order.ts'

/** Words that an ordinary array holds before they are packed; it takes twice the room. */
const blockLength = 16 * 1024

/**
 * Networks of one family as they are read, in any order: for each the words of its address, and its prefix as the last word.
 * In blocks, since one array that grows would have to be copied whole, again and again.
 */
export class NetworkPile {
  /** Words for each network, the prefix included. */
  private readonly width: number
  private readonly packed: Uint32Array[] = []
  private block: number[] = []

  constructor(width: number) {
    this.width = width
  }

  /** Adds the next word of a network. */
  push(word: number): void {
    this.block.push(word)
    if (this.block.length === blockLength) this.pack()
  }

  /** Takes all networks from the pile, a step at a time, and puts them in order. */
  *inOrder(): Generator<void, NetworkOrder> {
    this.pack()
    const words = new Uint32Array(this.packed.reduce((sum, block) => sum + block.length, 0))
    let filled = 0
    for (const block of this.packed.splice(0)) {
      words.set(block, filled)
      filled += block.length
      yield
    }
    return yield* NetworkOrder.of(words, this.width)
  }

  private pack(): void {
    this.packed.push(new Uint32Array(this.block))
    this.block = []
  }
}
