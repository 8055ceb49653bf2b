import type { FileHandle } from 'node:fs/promises'
import type { Decision } from './decision.ts'
import { longestLine, readDecision } from './decision-line.ts'
import { openSet } from './decision-set.ts'

/** Octets read at a time. */
const piece = 1024 * 1024

export interface Found {
  readonly decision: Decision
  /** The file that it is in. */
  readonly path: string
}

/**
 * The latest record of a reference id, looked for from the end of the newest file backwards; null: it is in none. Rejects where
 * files cannot be read. A client cannot forge what is looked for: in what it sent, quotes have a backslash before them.
 */
export async function findDecision(path: string, id: string): Promise<Found | null> {
  const files = await openSet(path)
  try {
    for (const { path: name, file, size } of files) {
      const decision = await findIn(file, size, id)
      if (decision !== null) return { decision, path: name }
    }
    return null
  } finally {
    for (const { file } of files) await file.close()
  }
}

async function findIn(file: FileHandle, size: number, id: string): Promise<Decision | null> {
  const wanted = Buffer.from(`"id":"${id}"`, 'latin1')
  // Behind each piece, as much of the next as a record may reach into it.
  const buffer = Buffer.alloc(piece + longestLine)
  for (let end = size; end > 0; end -= piece) {
    const from = Math.max(0, end - piece)
    const { bytesRead } = await file.read(buffer, 0, Math.min(size, end + longestLine) - from, from)
    const octets = buffer.subarray(0, bytesRead)
    for (let at = octets.lastIndexOf(wanted); at >= 0; at = at === 0 ? -1 : octets.lastIndexOf(wanted, at - 1)) {
      // The line may begin in the piece before; then it is looked at with that one.
      const start = octets.lastIndexOf(0x0a, at) + 1
      const stop = octets.indexOf(0x0a, at)
      const line = octets.toString('latin1', start, stop < 0 ? octets.length : stop)
      const decision = readDecision(line)
      if (typeof decision !== 'string' && decision.id === id) return decision
    }
  }
  return null
}
