import { stat } from 'node:fs/promises'
import { codeOf } from './error.ts'

/** Milliseconds between two looks at files that may change under us. */
export const pollInterval = 5000

/** What tells one version of a file, or its absence, from another: two with the same mark are the same. */
export async function markOf(path: string): Promise<string> {
  try {
    const { mtimeNs, size, ino } = await stat(path, { bigint: true })
    return `${mtimeNs} ${size} ${ino}`
  } catch (fault) {
    return codeOf(fault)
  }
}
