import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'
import type { Fading } from '@sallyport/rules'
import { type Entry, type Expiries, type Fame, isEmpty, longestTtl } from './entry.ts'
import { Records } from './records.ts'

/*
 * The format of the client file, one JSON value a line:
 *
 *   {"sallyport":"clients","version":1}
 *   ["192.0.2.1",{"pregreet":1790000000},{}]         client, passed, failed: check -> second at which it no longer holds
 *   ["192.0.2.9",{},{},[9.5,1790000000,0,1,0,0]]     score, at which second, messages taken, refused, unknown recipients, last good word
 *   {"clients":1}                                     how many there were: a file without this line is torn
 *
 * A file that is not exactly so is believed in nothing: what is lost is that known clients wait once more.
 */
const header = '{"sallyport":"clients","version":1}'

/** Characters in a line, far above any that is written here. */
const longestLine = 65_536
const longestKey = 128
const readSize = 262_144
/** Clients written at a time: about a millisecond of work, then the event loop has its turn. */
const slice = 1000

/** The file is there and readable, but not one that this version has written whole. */
export class Corrupt extends Error {}

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
export interface Bounds {
  readonly clients: number
  readonly fading?: Fading
}

/** What a file says, without what has expired at `now` (wall-clock seconds). Throws `Corrupt`, or what the system says. */
export function readClients(file: number, bounds: Bounds, now: number): Records {
  const records = new Records(bounds.clients, bounds.fading)
  let state: 'header' | 'clients' | 'end' = 'header'
  let count = 0
  for (const line of linesOf(file)) {
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

/** Writes all clients into an empty file, in slices, between which the event loop goes on. */
export async function writeClients(file: FileHandle, records: Records, now: number): Promise<void> {
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
