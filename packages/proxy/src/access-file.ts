import { type FileHandle, open, stat } from 'node:fs/promises'
import { AccessListReader, type Address, type ListSummary, type NetworkSet, NetworkSetBuilder } from '@sallyport/rules'

/** Octets read between two turns of the event loop: some 1,000 lines of IPv4 or 700 of IPv6, which take 1 to 4 ms. */
const pieceSize = 16 * 1024

/**
 * Networks sorted in one go. A set of a million takes 180 ms to sort and would hold up every session for as long; ten
 * thousand take 2 ms. So a long list is many sets, each asked in turn: a million networks cost a connection 5 µs (IPv4) to
 * 25 µs (IPv6), of the 200 that it takes anyway. Not done in a worker thread, which would need a way to hand sets over and
 * would be a second thing to fail.
 */
const setSize = 10_000

/** A million IPv6 networks, with something to say on each. */
const longestFile = 128 * 1024 * 1024

/** What a poll found. `refused`: there is a new version, which cannot be used; the problems say why. */
export type PollResult =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

/** One version of the file, or of its absence. */
interface Version {
  /** Two versions with the same mark are the same. */
  readonly mark: string
  readonly sets: readonly NetworkSet[]
  readonly problems: readonly string[]
}

/** One file of networks that may change under us. */
export class AccessFile {
  readonly path: string
  private sets: readonly NetworkSet[] = []
  /** The version that was last read, whether it could be used or not. */
  private readMark = ''
  /** The version that the last poll saw. */
  private seenMark = ''

  constructor(path: string) {
    this.path = path
  }

  has(address: Address): boolean {
    return hasIn(this.sets, address)
  }

  get entries(): number {
    return this.sets.reduce((sum, set) => sum + set.size, 0)
  }

  /** Reads the file for the first time; what is wrong with it, nothing if nothing is. Lines that can be read hold. */
  async load(): Promise<readonly string[]> {
    const version = await readVersion(this.path)
    this.sets = version.sets
    this.readMark = version.mark
    return version.problems
  }

  /**
   * Looks whether the file has changed, and reads it once it is the same at two polls in a row, so that a file that is still
   * being written is left alone. A version with a problem changes nothing: half a deny list lets in whom it should not, and
   * half an allow list hurts those who were promised better. It is looked at again when it changes again.
   */
  async poll(): Promise<PollResult> {
    const mark = await markOf(this.path)
    const isSettled = mark === this.seenMark
    this.seenMark = mark
    if (mark === this.readMark || !isSettled) return { kind: 'unchanged' }
    const version = await readVersion(this.path)
    this.readMark = version.mark
    if (version.problems.length > 0) return { kind: 'refused', problems: version.problems }
    this.sets = version.sets
    return { kind: 'loaded' }
  }
}

function hasIn(sets: readonly NetworkSet[], address: Address): boolean {
  for (const set of sets) if (set.has(address)) return true
  return false
}

async function markOf(path: string): Promise<string> {
  try {
    const { mtimeNs, size, ino } = await stat(path, { bigint: true })
    return `${mtimeNs} ${size} ${ino}`
  } catch (fault) {
    return codeOf(fault)
  }
}

async function readVersion(path: string): Promise<Version> {
  // Taken before the file is read: what is written meanwhile makes another version.
  const mark = await markOf(path)
  const refused = (why: string): Version => ({ mark, sets: [], problems: [`${path}: ${why}`] })
  try {
    const found = await stat(path)
    // To open a pipe, or to read a device, might never end.
    if (!found.isFile()) return refused('not a file')
    if (found.size > longestFile) return refused(`longer than ${longestFile} octets`)
    const handle = await open(path)
    try {
      const { sets, summary } = await readNetworks(handle)
      return { mark, sets, problems: problemsOf(path, summary) }
    } finally {
      await handle.close()
    }
  } catch (fault) {
    return refused(codeOf(fault))
  }
}

async function readNetworks(handle: FileHandle): Promise<{ sets: NetworkSet[]; summary: ListSummary }> {
  const sets: NetworkSet[] = []
  let builder = new NetworkSetBuilder()
  let building = 0
  const reader = new AccessListReader(network => {
    builder.add(network)
    if (++building < setSize) return
    sets.push(builder.build())
    builder = new NetworkSetBuilder()
    building = 0
  })
  const piece = Buffer.allocUnsafe(pieceSize)
  let left = longestFile
  while (left > 0) {
    const { bytesRead } = await handle.read(piece, 0, pieceSize)
    if (bytesRead === 0) break
    left -= bytesRead
    reader.feed(piece.toString('latin1', 0, bytesRead))
  }
  const summary = reader.finish()
  if (building > 0) sets.push(builder.build())
  return { sets, summary }
}

function problemsOf(path: string, { problems, problemCount }: ListSummary): string[] {
  const lines = problems.map(({ line, text, why }) => `${path}:${line}: ${why}: ${text}`)
  if (problemCount > problems.length) lines.push(`${path}: and ${problemCount - problems.length} more`)
  return lines
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault)
}
