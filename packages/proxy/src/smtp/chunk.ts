import { CR, LF } from './octets.ts'

/** The argument of BDAT (RFC 3030 2). */
export interface Chunk {
  /** Octets that follow the command line. */
  readonly size: number
  readonly last: boolean
}

/**
 * Reads `size [LAST]`: decimal digits and nothing else, because whoever reads `0x10`, `+5` or `5.0` differently sees other
 * octets as commands. Fifteen digits are exact in a number. null: what follows the line cannot be told from commands.
 */
export function parseChunk(argument: string): Chunk | null {
  const parts = /^(\d{1,15})(?:[ \t]+(LAST))?$/i.exec(argument)
  return parts === null ? null : { size: Number(parts[1]), last: parts[2] !== undefined }
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
