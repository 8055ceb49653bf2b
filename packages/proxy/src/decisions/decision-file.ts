import { randomInt } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../error.ts'
import { fullName, prune } from './decision-set.ts'

interface DecisionFileOptions {
  readonly path: string
  /** Octets above which a new file is begun. */
  readonly size: number
  /** Files in all. */
  readonly files: number
}

export interface DecisionLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
}

/** Octets that may wait for a slow disk before records are dropped. */
const mostWaiting = 8 * 1024 * 1024
/** Octets in a write. */
const mostAtOnce = 1024 * 1024
/** Records are written together, so often, ms; and when that failed, it is tried again after so long. */
const waits = { batch: 100, retry: 1_000 } as const
/** How long the last records are waited for at the very end, ms. */
const farewell = 2_000

const letters = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * Records on their way to a file: in batches, never waited for, bounded; what the disk does not take in time is dropped and counted.
 * Each batch first looks what is under the name, so that a file which somebody has moved away, or another gate has found full, is
 * begun anew without a signal. Whole batches are appended (O_APPEND), so that gates may share a file.
 *
 * Not taken: writing in the event loop's own thread, as the log does on a pipe that takes what there is room for: a disk has no such
 * answer, and a slow one would hold every session; a lock between gates: see decision-set.ts for why none is needed.
 */
export class DecisionFile {
  /** Records that are in no file. */
  dropped = 0
  readonly options: DecisionFileOptions
  private readonly log: DecisionLog
  private lines: string[] = []
  private waiting = 0
  private file: FileHandle | null = null
  /** The last write ended within a record. */
  private isTorn = false
  private timer: NodeJS.Timeout | null = null
  private writing: Promise<void> | null = null
  /** Why records are dropped at present; null: they are not. */
  private trouble: string | null = null

  private constructor(options: DecisionFileOptions, log: DecisionLog) {
    this.options = options
    this.log = log
  }

  /** Creates the folder. Rejects where the file cannot be opened for writing. */
  static async open(options: DecisionFileOptions, log: DecisionLog): Promise<DecisionFile> {
    await mkdir(dirname(options.path), { recursive: true })
    const file = new DecisionFile(options, log)
    await file.reach(0)
    return file
  }

  /** Takes a line, or drops it. Never throws, and never waits. */
  add(line: string): void {
    if (this.waiting + line.length > mostWaiting) {
      this.drop(1, 'the disk is slow')
      return
    }
    this.lines.push(line)
    this.waiting += line.length
    this.timer ??= setTimeout(() => this.push(), waits.batch).unref()
  }

  /** Writes what waits, as far as the disk takes it within two seconds. Never rejects. */
  async close(): Promise<void> {
    const isOver = new AbortController()
    await Promise.race([this.flush(), pause(farewell, undefined, { signal: isOver.signal }).catch(() => {})])
    isOver.abort()
    this.dropped += this.lines.length
    this.lines = []
    if (this.timer !== null) clearTimeout(this.timer)
    if (this.writing === null) await this.leave().catch(() => {})
  }

  /** Until nothing waits, or what waits cannot be written. */
  async flush(): Promise<void> {
    this.push()
    await this.writing
  }

  private push(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.writing ??= this.work().finally(() => {
      this.writing = null
      if (this.lines.length > 0) this.timer = setTimeout(() => this.push(), waits.retry).unref()
    })
  }

  /** Batch after batch until nothing waits; after a failure not at once again. */
  private async work(): Promise<void> {
    if (this.lines.length === 0) return
    while (this.lines.length > 0) {
      const { text, count } = this.take()
      try {
        const file = await this.reach(text.length)
        await this.append(file, Buffer.from(this.isTorn ? `\n${text}` : text, 'latin1'))
      } catch (fault) {
        this.drop(count, codeOf(fault))
        await this.leave().catch(() => {})
        return
      }
    }
    if (this.trouble === null) return
    this.trouble = null
    const { path } = this.options
    this.log.info({ event: 'decisions', file: path, dropped: this.dropped }, 'decisions are written again')
  }

  private take(): { readonly text: string; readonly count: number } {
    let [length, count] = [0, 0]
    while (count < this.lines.length && length < mostAtOnce) length += this.lines[count++]?.length ?? 0
    const text = this.lines.splice(0, count).join('')
    this.waiting -= text.length
    return { text, count }
  }

  /** The file that is under the name, with room for so many octets: opened, or begun, if need be. */
  private async reach(octets: number): Promise<FileHandle> {
    const { path, size, files } = this.options
    if (this.file !== null && !(await isUnder(path, this.file))) await this.leave()
    this.file ??= await open(path, 'a', 0o640)
    const now = await this.file.stat()
    if (!now.isFile() || now.size === 0 || now.size + octets <= size) return this.file
    await this.leave()
    const mark = Array.from({ length: 4 }, () => letters.charAt(randomInt(letters.length))).join('')
    await rename(path, fullName(path, Date.now(), mark)).catch((fault: unknown) => {
      // Another gate was faster.
      if (codeOf(fault) !== 'ENOENT') throw fault
    })
    this.file = await open(path, 'a', 0o640)
    await prune(path, files)
    return this.file
  }

  private async append(file: FileHandle, octets: Buffer): Promise<void> {
    let written = 0
    try {
      while (written < octets.length) written += (await file.write(octets, written)).bytesWritten
    } finally {
      // What is behind a torn record begins a line of its own.
      if (written > 0) this.isTorn = written < octets.length
    }
  }

  private async leave(): Promise<void> {
    const { file } = this
    this.file = null
    await file?.close()
  }

  private drop(count: number, why: string): void {
    this.dropped += count
    if (this.trouble === why) return
    this.trouble = why
    this.log.warn({ event: 'decisions', file: this.options.path, error: why }, 'decisions are not written')
  }
}

/** Whether the name still leads to the file. */
async function isUnder(path: string, file: FileHandle): Promise<boolean> {
  const named = await stat(path).catch(() => null)
  const own = await file.stat()
  return named !== null && named.ino === own.ino && named.dev === own.dev
}
