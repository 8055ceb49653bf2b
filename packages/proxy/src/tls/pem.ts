import { readFile, stat } from 'node:fs/promises'
import { codeOf } from '../error.ts'

/** The CAs of a whole system have some 250 kB, a chain of a dozen certificates 20 kB. */
const longestFile = 1024 * 1024

/** A file is at fault; the message says which, and why. */
export class PemFault extends Error {
  constructor(path: string, why: string) {
    super(`${path}: ${why}`)
  }
}

/** The text of a file; rejects with a PemFault where there is none to be had. */
export async function readPem(path: string): Promise<string> {
  try {
    const found = await stat(path)
    // To open a pipe, or to read a device, might never end.
    if (!found.isFile()) throw new PemFault(path, 'not a file')
    if (found.size > longestFile) throw new PemFault(path, `longer than ${longestFile} octets`)
    return await readFile(path, 'latin1')
  } catch (fault) {
    throw fault instanceof PemFault ? fault : new PemFault(path, `cannot be read (${codeOf(fault)})`)
  }
}

/** What `read` makes of the text of a file; what it throws is the file's fault, and `why` says which. */
export function parsePem<T>(path: string, why: string, read: () => T): T {
  try {
    return read()
  } catch (fault) {
    throw new PemFault(path, `${why} (${codeOf(fault)})`)
  }
}
