import type { FileHandle } from 'node:fs/promises'
import { openSet } from '../decisions/decision-set.ts'

/** Octets read at a time. */
const piece = 4 * 1024 * 1024

/** Characters above which a line is no record, and is not kept either. */
const mostOfLine = 65_536

/** Lines that were read together, and where they stand. */
export interface Lines {
  /** The file that they are in. */
  readonly path: string
  /** The number of the first; all are counted, empty ones too. */
  readonly from: number
  readonly lines: readonly string[]
  /** Octets read so far, of all files together. */
  readonly octets: number
}

/** A source of lines, and how much there is of it in all; 0: nobody knows. */
export interface Source {
  readonly octets: number
  read(): AsyncGenerator<Lines>
}

/** The files of a name, oldest first. Rejects where one cannot be opened, or there is none. */
export async function sourceOf(path: string): Promise<Source> {
  const files = (await openSet(path)).reverse()
  if (files.length === 0) throw new Error(`${path}: no such file`)
  return {
    octets: files.reduce((sum, { size }) => sum + size, 0),
    async *read() {
      let before = 0
      try {
        for (const { path: name, file, size } of files) {
          yield* linesOf(name, piecesOf(file, size), before)
          before += size
        }
      } finally {
        for (const { file } of files) await file.close()
      }
    },
  }
}

export const standardInput: Source = {
  octets: 0,
  read: () => linesOf('standard input', process.stdin as AsyncIterable<Buffer>, 0),
}

/** As far as the file went when it was opened: a gate may be writing to it. */
async function* piecesOf(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(piece, Math.max(1, size)))
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** Never holds more than a piece and a line. What is too long for a line is one all the same, and no record. */
async function* linesOf(path: string, pieces: AsyncIterable<Buffer>, before: number): AsyncGenerator<Lines> {
  let rest = ''
  let from = 1
  let octets = before
  for await (const octetsRead of pieces) {
    octets += octetsRead.length
    // Records are ASCII; latin1 is the one decoding that costs nothing and cuts no character.
    const lines = (rest + octetsRead.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(0, mostOfLine)
    yield { path, from, lines, octets }
    from += lines.length
  }
  if (rest !== '') yield { path, from, lines: [rest], octets }
}
