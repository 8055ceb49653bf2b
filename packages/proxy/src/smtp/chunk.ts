import { CR, LF } from './octets.ts'

/** The longest chunk: who keeps a count in 32 bits, as Exim does, reads 4294967297 as 1, and what follows as commands. */
const longest = 2 ** 31 - 1

/** The argument of BDAT (RFC 3030 2). */
export interface Chunk {
  /** Octets that follow the command line. */
  readonly size: number
  readonly last: boolean
}

/**
 * Reads `size [LAST]`: decimal digits and nothing else, because whoever reads `0x10`, `+5` or `5.0` differently sees other
 * octets as commands. null: what follows the line cannot be told from commands.
 */
export function parseChunk(argument: string): Chunk | null {
  const parts = /^(\d{1,15})(?:[ \t]+(LAST))?$/i.exec(argument)
  const size = Number(parts?.[1])
  return parts === null || size > longest ? null : { size, last: parts[2] !== undefined }
}

/** The command as RFC 3030 2 has it, with its CRLF: whoever reads a leading nought as octal, or minds a second space, counts the same. */
export const chunkCommand = ({ size, last }: Chunk): string => `BDAT ${size}${last ? ' LAST' : ''}\r\n`

/** Counts the LFs and CRs that stand alone, over all chunks of a message; changes nothing, because chunks are counted. */
export class NewlineCount {
  bare = 0
  private afterCr = false

  read(octets: Uint8Array): void {
    for (let i = 0; i < octets.length; i++) {
      const octet = octets[i]
      if (octet === LF) {
        if (!this.afterCr) this.bare++
        this.afterCr = false
      } else {
        if (this.afterCr) this.bare++
        this.afterCr = octet === CR
      }
    }
  }
}
