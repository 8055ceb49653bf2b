import { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, errorText } from '../../error.ts'
import { markOf } from '../../file-mark.ts'
import type { StoreLog } from '../store.ts'
import { type Bounds, Corrupt, readClients, writeClients } from './client-lines.ts'
import { Records } from './records.ts'

/** What says, by its age, that several processes have been found to write a file. */
export const sharedBy = (path: string): string => `${path}.shared`

/**
 * The file in which a memory store's clients outlive a restart (client-lines.ts). Nothing that is wrong with it stops the gate.
 *
 * A file that is not as this process has read or written it last is another's, too: each of them would forget at its end what the other has
 * learnt. That is warned of once, and `<file>.shared` is touched whenever it is found again, for `sallyport doctor`.
 *
 * Not taken: a lock with a pid (after SIGKILL it names a process that is dead, or by now another; in containers all are 1), or flock(2), which
 * Node has not; a heartbeat in a file of its own, which would find it sooner, and write for ever; appending each lesson as it comes (the file would grow without end, or need compaction, to save less than a
 * minute of lessons); a database (a dependency for a table that fits into memory).
 */
export class ClientFile {
  readonly #path: string
  readonly #log: StoreLog
  /** Cleared when the file cannot be used at all: what is there then is never written over. */
  #usable = true
  #failing = false
  /** Of the file as this process left it; null: it has not, and knows nothing of who has. */
  #mark: string | null = null
  #shared = false

  constructor(path: string, log: StoreLog) {
    this.#path = path
    this.#log = log
  }

  /**
   * What the file says, without what has expired at `now` (wall-clock seconds). Creates the directory. Synchronous: called once,
   * before the gate listens. Content that is not ours is set aside as `.corrupt`; what cannot be read or is no file stays
   * untouched, and nothing is kept over restarts.
   */
  load(bounds: Bounds, now: number): Records {
    let file: number | null = null
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      // Non-blocking, so that a FIFO in its place cannot hold the start for ever.
      file = openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK)
      if (!fstatSync(file).isFile()) throw new Error('not a regular file')
      return readClients(file, bounds, now)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#setAside(error)
      return new Records(bounds.clients, bounds.fading)
    } finally {
      if (file !== null) closeSync(file)
    }
  }

  /**
   * Writes all clients: to a temporary file, to the disk, then into place, so that at every moment there is one whole file.
   * In slices, between which the event loop goes on. Never rejects; false: not saved, which is warned of once.
   */
  async save(records: Records, now: number): Promise<boolean> {
    if (!this.#usable) return false
    await this.#lookForOthers()
    const temporary = `${this.#path}.tmp`
    try {
      const file = await open(temporary, 'w', 0o600)
      try {
        await writeClients(file, records, now)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#path)
      await syncDirectory(dirname(this.#path))
      this.#mark = await markOf(this.#path)
    } catch (error) {
      // A full disk should not stay full because of us.
      await rm(temporary, { force: true }).catch(() => undefined)
      if (!this.#failing)
        this.#log.warn(`${this.#path} cannot be written (${errorText(error)}): clients may be forgotten at a restart`)
      this.#failing = true
      return false
    }
    if (this.#failing) this.#log.info(`${this.#path} is written again`)
    this.#failing = false
    return true
  }

  /** Whoever has written the file since this process did may do so again. That it is gone, or out of reach, says nothing of others. */
  async #lookForOthers(): Promise<void> {
    const mark = await markOf(this.#path)
    if (this.#mark === null || mark === this.#mark || mark.startsWith('E')) return
    await writeFile(sharedBy(this.#path), `found by process ${process.pid}\n`, { mode: 0o600 }).catch(() => undefined)
    if (this.#shared) return
    this.#shared = true
    this.#log.warn(
      `${this.#path} was written by somebody else: two gates with one store.file forget what the other has learnt; give each its own, or use Redis`,
    )
  }

  #setAside(error: unknown): void {
    if (error instanceof Corrupt) {
      const aside = `${this.#path}.corrupt`
      try {
        renameSync(this.#path, aside)
        this.#log.warn(
          `${this.#path} is not a whole client file (${error.message}): set aside as ${aside}, no client is known`,
        )
        return
      } catch (renameError) {
        this.#warnUnusable(renameError)
      }
    } else {
      this.#warnUnusable(error)
    }
    this.#usable = false
  }

  #warnUnusable(error: unknown): void {
    this.#log.warn(`${this.#path} cannot be used (${errorText(error)}): clients are kept in memory only`)
  }
}

/** The rename itself is on the disk only when the directory is (fsync(2)). */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
