import { type FileHandle, open, stat } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { AccessListReader, type Address, type ListSummary, NetworkSet, NetworkSetBuilder } from '@sallyport/rules'
import { codeOf } from './error.ts'
import { markOf } from './file-mark.ts'

/** Octets read between two turns of the event loop: some 1,000 lines of IPv4 or 500 of IPv6, which take less than a millisecond. */
const pieceSize = 16 * 1024

/** A million IPv6 networks, with something to say on each. */
const longestFile = 128 * 1024 * 1024

/** What a poll found. `refused`: there is a new version, which cannot be used; the problems say why. */
type PollResult =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

/** One version of the file, or of its absence. */
interface Version {
  /** Two versions with the same mark are the same. */
  readonly mark: string
  readonly networks: NetworkSet
  readonly problems: readonly string[]
}

/** One file of networks that may change under us. */
export class AccessFile {
  readonly path: string
  private networks = NetworkSet.of([])
  /** The version that was last read, whether it could be used or not. */
  private readMark = ''
  /** The version that the last poll saw. */
  private seenMark = ''

  constructor(path: string) {
    this.path = path
  }

  has(address: Address): boolean {
    return this.networks.has(address)
  }

  get entries(): number {
    return this.networks.size
  }

  /** Octets of memory that the networks take. */
  get bytes(): number {
    return this.networks.bytes
  }

  /** Reads the file for the first time; what is wrong with it, nothing if nothing is. Lines that can be read hold. */
  async load(): Promise<readonly string[]> {
    const version = await readVersion(this.path)
    this.networks = version.networks
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
    this.networks = version.networks
    return { kind: 'loaded' }
  }
}

async function readVersion(path: string): Promise<Version> {
  // Taken before the file is read: what is written meanwhile makes another version.
  const mark = await markOf(path)
  const refused = (why: string): Version => ({
    mark,
    networks: NetworkSet.of([]),
    problems: [`${path}: ${why}`],
  })
  try {
    const found = await stat(path)
    // To open a pipe, or to read a device, might never end.
    if (!found.isFile()) return refused('not a file')
    if (found.size > longestFile) return refused(`longer than ${longestFile} octets`)
    const handle = await open(path)
    try {
      const { networks, summary } = await readNetworks(handle)
      return { mark, networks, problems: problemsOf(path, summary) }
    } finally {
      await handle.close()
    }
  } catch (fault) {
    return refused(codeOf(fault))
  }
}

async function readNetworks(handle: FileHandle): Promise<{ networks: NetworkSet; summary: ListSummary }> {
  const builder = new NetworkSetBuilder()
  const reader = new AccessListReader(network => builder.add(network))
  const piece = Buffer.allocUnsafe(pieceSize)
  let left = longestFile
  while (left > 0) {
    const { bytesRead } = await handle.read(piece, 0, pieceSize)
    if (bytesRead === 0) break
    left -= bytesRead
    reader.feed(piece.toString('latin1', 0, bytesRead))
  }
  return { summary: reader.finish(), networks: await inTurns(builder.build()) }
}

/**
 * Takes the steps one in each turn of the event loop. Not done in a worker thread, which would need a way to hand sets over and
 * would be a second thing to fail.
 */
async function inTurns<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value
    await turn()
  }
}

function problemsOf(path: string, { problems, problemCount }: ListSummary): string[] {
  const lines = problems.map(({ line, text, why }) => `${path}:${line}: ${why}: ${text}`)
  if (problemCount > problems.length) lines.push(`${path}: and ${problemCount - problems.length} more`)
  return lines
}
