import { type Access, type Address, type Network, NetworkSet } from '@sallyport/rules'
import { AccessFile } from './access-file.ts'
import { pollInterval } from './file-mark.ts'

export interface AccessOptions {
  readonly allow: readonly Network[]
  readonly deny: readonly Network[]
  /** Paths of files with one network a line. */
  readonly allowFiles: readonly string[]
  readonly denyFiles: readonly string[]
}

interface AccessLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
}

/**
 * The operator's own lists. Files are read again when they change; until a new version has been read whole and found good,
 * the old one holds.
 */
export class AccessLists {
  /** What was wrong with the files at the start, as `file:line: why: text`; empty: nothing. Not to be started with. */
  readonly problems: readonly string[]
  private readonly allow: List
  private readonly deny: List
  private readonly log: AccessLog
  private timer: NodeJS.Timeout | null = null
  private polling: Promise<void> | null = null
  private loaded: number

  private constructor(allow: List, deny: List, problems: readonly string[], log: AccessLog) {
    this.allow = allow
    this.deny = deny
    this.problems = problems
    this.log = log
    this.loaded = Date.now()
  }

  /** Reads all lists. Never rejects for what is in the files, or for files that are not there: see `problems`. */
  static async load(options: AccessOptions, log: AccessLog): Promise<AccessLists> {
    const allow = new List(options.allow, options.allowFiles)
    const deny = new List(options.deny, options.denyFiles)
    const problems: string[] = []
    for (const file of [...allow.files, ...deny.files]) problems.push(...(await file.load()))
    return new AccessLists(allow, deny, problems, log)
  }

  /** What the lists say of a client. Allow beats deny, so that a wide entry of a deny list can have exceptions. */
  check(address: Address): Access {
    if (this.allow.has(address)) return 'allow'
    return this.deny.has(address) ? 'deny' : 'none'
  }

  /** In which files a client is found; `access.allow` and `access.deny` stand for the lists in the configuration itself. */
  where(address: Address): { readonly allow: readonly string[]; readonly deny: readonly string[] } {
    return { allow: this.allow.where(address, 'access.allow'), deny: this.deny.where(address, 'access.deny') }
  }

  /** Networks in the lists; those that are in several files count several times. */
  get entries(): { readonly allow: number; readonly deny: number } {
    return { allow: this.allow.entries, deny: this.deny.entries }
  }

  /** Octets of memory that all lists take. */
  get bytes(): number {
    return this.allow.bytes + this.deny.bytes
  }

  /** When a list was last read and taken: seconds since 1970, as gauges have it. */
  get loadedAt(): number {
    return this.loaded / 1000
  }

  /** Starts to look every `interval` milliseconds whether a file has changed. The timer does not keep the process alive. */
  watch(interval: number = pollInterval): void {
    this.timer ??= setInterval(() => this.poll(), interval).unref()
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
  }

  /** Looks at all files now; one look at a time. Never rejects. */
  poll(): Promise<void> {
    this.polling ??= this.pollFiles().finally(() => {
      this.polling = null
    })
    return this.polling
  }

  private async pollFiles(): Promise<void> {
    for (const file of [...this.allow.files, ...this.deny.files]) {
      const result = await file.poll()
      switch (result.kind) {
        case 'unchanged':
          break
        case 'loaded':
          this.loaded = Date.now()
          this.log.info({ file: file.path, entries: file.entries }, 'access list read again')
          break
        case 'refused':
          this.log.warn({ file: file.path, problems: result.problems }, 'new access list not taken, the old one holds')
          break
        default:
          result satisfies never
      }
    }
  }
}

/** The networks of the configuration, and those of its files. */
class List {
  readonly files: readonly AccessFile[]
  private readonly given: NetworkSet

  constructor(networks: readonly Network[], paths: readonly string[]) {
    this.given = NetworkSet.of(networks)
    this.files = paths.map(path => new AccessFile(path))
  }

  has(address: Address): boolean {
    return this.given.has(address) || this.files.some(file => file.has(address))
  }

  where(address: Address, own: string): string[] {
    const files = this.files.filter(file => file.has(address)).map(({ path }) => path)
    return this.given.has(address) ? [own, ...files] : files
  }

  get entries(): number {
    return this.files.reduce((sum, file) => sum + file.entries, this.given.size)
  }

  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, this.given.bytes)
  }
}
