// A message on its way into the scripted backend: where it ends, and what its octets are.

const endOfData = Buffer.from('\r\n.\r\n')

/** A message after DATA: ends at CR LF . CR LF and at nothing else, however it is cut into chunks (RFC 5321, 4.1.1.4). */
export class DataBody {
  readonly #chunks: Buffer[] = []
  /** The octets before the next chunk that may be the beginning of the end; the CR LF of the DATA line is one such beginning. */
  #tail: Buffer = Buffer.from('\r\n')
  octets = 0

  /** How many octets of `chunk` belong to the body, its end included; undefined when it does not end here and all do. */
  add(chunk: Buffer): number | undefined {
    const window = Buffer.concat([this.#tail, chunk])
    const at = window.indexOf(endOfData)
    const used = at < 0 ? undefined : at + endOfData.length - this.#tail.length
    this.#tail = window.subarray(-(endOfData.length - 1))
    this.#chunks.push(chunk.subarray(0, used))
    this.octets += used ?? chunk.length
    return used
  }

  /** The message without its end and its stuffed dots (RFC 5321, 4.5.2); to be asked when it has ended. */
  message(): Buffer {
    const text = Buffer.concat(this.#chunks).subarray(0, -3).toString('latin1')
    return Buffer.from(text.replace(/(^|\r\n)\./g, '$1'), 'latin1')
  }
}

/** A message in BDAT chunks (RFC 3030): as many octets as each says, and no stuffing. */
export class BdatBody {
  readonly #chunks: Buffer[] = []
  #left = 0
  #last = false
  octets = 0

  /** A BDAT command has announced a chunk. */
  announce(octets: number, last: boolean): void {
    this.#left = octets
    this.#last = last
  }

  /** How many octets of `chunk` belong to the announced one; undefined when it does not end here and all do. */
  add(chunk: Buffer): number | undefined {
    const own = chunk.subarray(0, this.#left)
    this.#chunks.push(own)
    this.octets += own.length
    this.#left -= own.length
    return this.#left === 0 ? own.length : undefined
  }

  /** Whether the announced chunk is the last one. */
  get last(): boolean {
    return this.#last
  }

  message(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
