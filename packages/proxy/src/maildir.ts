import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What became of one message. `gone`: its source broke off, so there is nobody to answer. */
export type Deposit =
  | { readonly kind: 'stored' }
  | { readonly kind: 'oversized' }
  | { readonly kind: 'failed'; readonly fault: Error }
  | { readonly kind: 'gone' }

/**
 * A directory of messages, one file each (https://cr.yp.to/proto/maildir.html). A message is written to `tmp`, brought to the
 * disk, and only then moved to `new`: a reader never sees half a message, and what was stored survives a loss of power.
 */
export class Maildir {
  private readonly path: string
  private readonly hostname: string

  private constructor(path: string, hostname: string) {
    this.path = path
    this.hostname = hostname
  }

  /** Makes the directories that are missing. Rejects when that cannot be done. */
  static async open(path: string, hostname: string): Promise<Maildir> {
    for (const part of ['tmp', 'new', 'cur']) await mkdir(join(path, part), { recursive: true, mode: 0o700 })
    return new Maildir(path, hostname.replaceAll('/', '\\057').replaceAll(':', '\\072'))
  }

  /** A name for a new message, and part of it: 64 random bits, short enough for a reply. */
  newName(): { readonly id: string; readonly file: string } {
    const id = randomBytes(8).toString('hex')
    return { id, file: `${Math.floor(Date.now() / 1000)}.R${id}.${this.hostname}` }
  }

  /**
   * Stores `head` and what `content` gives under the name; nothing is left behind unless it is stored whole. Always reads
   * `content` to its end, since the client may be told only then. Holds one piece of it at a time. Never rejects.
   */
  async store(file: string, head: string, content: AsyncIterable<Buffer>, limit: number): Promise<Deposit> {
    const temporary = join(this.path, 'tmp', file)
    const writer = await DraftFile.create(temporary, head)
    let size = 0
    try {
      for await (const piece of content) {
        size += piece.length
        if (size <= limit) await writer.write(piece)
      }
    } catch {
      await writer.discard()
      return { kind: 'gone' }
    }
    if (size > limit) {
      await writer.discard()
      return { kind: 'oversized' }
    }
    const fault = (await writer.finish()) ?? (await this.publish(file))
    if (fault === null) return { kind: 'stored' }
    await writer.discard()
    return { kind: 'failed', fault }
  }

  /** Moves a finished file to `new`, and the entry of the directory to the disk. */
  private async publish(file: string): Promise<Error | null> {
    const directory = join(this.path, 'new')
    try {
      await rename(join(this.path, 'tmp', file), join(directory, file))
    } catch (fault) {
      return asError(fault)
    }
    try {
      const handle = await open(directory)
      await handle.sync().finally(() => handle.close())
      return null
    } catch (fault) {
      await unlink(join(directory, file)).catch(() => {})
      return asError(fault)
    }
  }
}

/** A file under way. The first fault stands, and nothing is written after it. */
class DraftFile {
  private readonly path: string
  private readonly handle: Awaited<ReturnType<typeof open>> | null
  private fault: Error | null

  private constructor(path: string, handle: DraftFile['handle'], fault: Error | null) {
    this.path = path
    this.handle = handle
    this.fault = fault
  }

  static async create(path: string, head: string): Promise<DraftFile> {
    try {
      const draft = new DraftFile(path, await open(path, 'wx', 0o600), null)
      await draft.write(Buffer.from(head))
      return draft
    } catch (fault) {
      return new DraftFile(path, null, asError(fault))
    }
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.fault !== null || this.handle === null) return
    try {
      await this.handle.writeFile(bytes)
    } catch (fault) {
      this.fault = asError(fault)
    }
  }

  /** Brings the file to the disk; null: it is there. */
  async finish(): Promise<Error | null> {
    if (this.fault !== null || this.handle === null) return this.fault
    try {
      await this.handle.sync()
      await this.handle.close()
    } catch (fault) {
      this.fault = asError(fault)
    }
    return this.fault
  }

  /** Takes the file away again, as far as that can be done. Closing twice does no harm. */
  async discard(): Promise<void> {
    await this.handle?.close().catch(() => {})
    if (this.handle !== null) await unlink(this.path).catch(() => {})
  }
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault))
}
