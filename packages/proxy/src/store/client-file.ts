import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs'
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import type { Fading } from '@sallyport/rules'
import { codeOf, errorText } from '../error.ts'
import { markOf } from '../file-mark.ts'
import { type Entry, type Expiries, type Fame, isEmpty, longestTtl } from './entry.ts'
import { Records } from './records.ts'
import type { StoreLog } from './store.ts'

/*
 * The format, one JSON value a line:
 *
 *   {"sallyport":"clients","version":1}
 *   ["192.0.2.1",{"pregreet":1790000000},{}]         client, passed, failed: check -> second at which it no longer holds
 *   ["192.0.2.9",{},{},[9.5,1790000000,0,1,0,0]]     score, at which second, messages taken, refused, unknown recipients, last good word
 *   {"clients":1}                                     how many there were: a file without this line is torn
 *
 * A file that is not exactly so is believed in nothing: what is lost is that known clients wait once more.
 *
 * A file that is not as this process has read or written it last is another's, too: each of them would forget at its end what the other has
 * learnt. That is warned of once, and `<file>.shared` is touched whenever it is found again, for `sallyport doctor`.
 *
 * Not taken: a lock with a pid (after SIGKILL it names a process that is dead, or by now another; in containers all are 1), or flock(2), which
 * Node has not; a heartbeat in a file of its own, which would find it sooner, and write for ever; appending each lesson as it comes (the file would grow without end, or need compaction, to save less than a
 * minute of lessons); a database (a dependency for a table that fits into memory).
 */
const header = '{"sallyport":"clients","version":1}'

/** Characters in a line, far above any that is written here. */
const longestLine = 65_536
const longestKey = 128
const readSize = 262_144
/** Clients written at a time: about a millisecond of work, then the event loop has its turn. */
const slice = 1000

/** The file is there and readable, but not one that this version has written whole. */
class Corrupt extends Error {}

/** The lines of a file, without ever holding more of it than a piece and a line. */
function* linesOf(file: number): Generator<string> {
  const decoder = new StringDecoder('utf8')
  const piece = Buffer.allocUnsafe(readSize)
  let rest = ''
  for (;;) {
    const length = readSync(file, piece)
    if (length === 0) break
    const lines = (rest + decoder.write(piece.subarray(0, length))).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longestLine) throw new Corrupt('a line is too long')
    yield* lines
  }
  if (rest !== '') throw new Corrupt('the last line is torn')
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new Corrupt('a line is not JSON')
  }
}

function expiriesOf(value: unknown, now: number): Expiries {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Corrupt('a line is not a client')
  const live: Record<string, number> = {}
  for (const [name, until] of Object.entries(value)) {
    if (typeof until !== 'number' || name.length > longestKey) throw new Corrupt('a line is not a client')
    // More than the longest ttl away: written by a clock that was wrong.
    if (until > now && until <= now + longestTtl) live[name] = until
  }
  return live
}

function fameOf(value: unknown, now: number): Fame | null {
  if (value === undefined) return null
  if (!Array.isArray(value) || (value.length !== 5 && value.length !== 6) || !value.every(one => Number.isFinite(one)))
    throw new Corrupt('a line is not a client')
  // Files of before good words were counted have five.
  const [score, at, accepted, content, unknown, praisedAt = 0] = value as [
    number,
    number,
    number,
    number,
    number,
    number?,
  ]
  // Written by a clock that was ahead: it has not faded since then.
  return { repute: { score, accepted, content, unknown }, at: Math.min(at, now), praisedAt: Math.min(praisedAt, now) }
}

/** How many clients there may be, and how what is known of their mail fades. */
interface Bounds {
  readonly clients: number
  readonly fading?: Fading
}

function recordsOf(lines: Iterable<string>, bounds: Bounds, now: number): Records {
  const records = new Records(bounds.clients, bounds.fading)
  let state: 'header' | 'clients' | 'end' = 'header'
  let count = 0
  for (const line of lines) {
    if (state === 'end') throw new Corrupt('there are lines after the last')
    if (state === 'header') {
      if (line !== header) throw new Corrupt('the first line is not that of a client file of version 1')
      state = 'clients'
      continue
    }
    const value = parse(line)
    if (Array.isArray(value)) {
      const [client, passed, failed, fame] = value
      if (typeof client !== 'string' || client.length > longestKey) throw new Corrupt('a line is not a client')
      const entry = { passed: expiriesOf(passed, now), failed: expiriesOf(failed, now), fame: fameOf(fame, now) }
      count++
      if (!isEmpty(entry)) records.put(client, entry)
    } else {
      if (line !== JSON.stringify({ clients: count })) throw new Corrupt('lines are missing')
      state = 'end'
    }
  }
  if (state !== 'end') throw new Corrupt('the end is missing')
  return records
}

/** What says, by its age, that several processes have been found to write a file. */
export const sharedBy = (path: string): string => `${path}.shared`

/** The file in which a memory store's clients outlive a restart. Nothing that is wrong with it stops the gate. */
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
      return recordsOf(linesOf(file), bounds, now)
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

/** Two digits behind the point are more than anybody judges by. */
const rounded = (value: number): number => Math.round(value * 100) / 100

function lineOf(client: string, { passed, failed, fame }: Entry): string {
  if (fame === null) return JSON.stringify([client, passed, failed])
  const { score, accepted, content, unknown } = fame.repute
  return JSON.stringify([
    client,
    passed,
    failed,
    [rounded(score), fame.at, rounded(accepted), rounded(content), rounded(unknown), fame.praisedAt],
  ])
}

async function writeClients(file: FileHandle, records: Records, now: number): Promise<void> {
  await file.writeFile(`${header}\n`)
  let count = 0
  const clients = records.clients()
  for (let start = 0; start < clients.length; start += slice) {
    let lines = ''
    for (const client of clients.slice(start, start + slice)) {
      // Met or forgotten since the list was made: what holds now is what counts. Asking drops what has expired.
      const entry = records.entry(client, now)
      if (entry === null) continue
      lines += `${lineOf(client, entry)}\n`
      count++
    }
    await file.writeFile(lines)
  }
  await file.writeFile(`${JSON.stringify({ clients: count })}\n`)
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
