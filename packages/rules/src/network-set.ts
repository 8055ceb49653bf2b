import type { Address } from './address.ts'
import type { Network } from './network.ts'
import { NetworkPile } from './network-pile.ts'
import { Row4, Row6 } from './network-row.ts'

/**
 * A set of networks that is asked for every connection and may hold a million entries: 5 octets for each IPv4 network and
 * little more than 17 for each IPv6 one, a look-up in a fraction of a microsecond, and no object that the garbage collector has to
 * visit.
 *
 * Roads not taken: node:net's BlockList is a list that is walked (2 ms a look-up at 100,000 entries) and is Node's; a trie
 * takes five times the room and misses the processor's cache at every step; a Set for each prefix length takes twice the
 * room and up to 32 look-ups.
 */
export class NetworkSet {
  private readonly row4: Row4
  private readonly row6: Row6

  constructor(row4: Row4, row6: Row6) {
    this.row4 = row4
    this.row6 = row6
  }

  static of(networks: Iterable<Network>): NetworkSet {
    const builder = new NetworkSetBuilder()
    for (const network of networks) builder.add(network)
    const steps = builder.build()
    for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value
  }

  /** Whether one of the networks contains the address. */
  has(address: Address): boolean {
    return address.family === 4 ? this.row4.has(address.bits) : this.row6.has(address.words)
  }

  /** Networks that are kept: doubles, and networks inside others, are not counted. */
  get size(): number {
    return this.row4.size + this.row6.size
  }

  /** Octets of memory that the networks take. */
  get bytes(): number {
    return this.row4.bytes + this.row6.bytes
  }
}

/** Takes the networks of a long list one after the other, as numbers, so that they need not all exist as objects at once. */
export class NetworkSetBuilder {
  private readonly pile4 = new NetworkPile(2)
  private readonly pile6 = new NetworkPile(5)

  add({ address, prefix }: Network): void {
    if (address.family === 4) {
      this.pile4.push(address.bits)
      this.pile4.push(prefix)
    } else {
      for (const word of address.words) this.pile6.push(word)
      this.pile6.push(prefix)
    }
  }

  /**
   * Builds the set of what was added, a step of a millisecond or two at a time, so that who has something else to do can do it in
   * between. The builder is empty afterwards.
   */
  *build(): Generator<void, NetworkSet> {
    const row4 = yield* Row4.of(yield* this.pile4.inOrder())
    return new NetworkSet(row4, yield* Row6.of(yield* this.pile6.inOrder()))
  }
}
