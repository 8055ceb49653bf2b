import type { SecureContext } from 'node:tls'
import type { KeyPair, Tls } from '../config/config.ts'
import { pollInterval } from '../file-mark.ts'
import { type Certificate, markOfPair, readPair, type Terms } from './certificate.ts'

export interface CertificatesLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
}

/** A certificate in force, as the metrics have it. */
export interface Expiry {
  /** Its first name, from the operator's file; its place in the list where it has none. */
  readonly certificate: string
  /** Seconds since 1970. */
  readonly at: number
}

/**
 * The gate's certificates. Files are read again when they change; until a new pair has been read whole and found good, the old
 * one is shown. Whoever has a session keeps it: a context is only looked up at the beginning of a handshake.
 *
 * Roads not taken: tls.Server and its addContext, which accept connections by themselves, before a PROXY header is read and a
 * client counted; fs.watch, which tells nothing on network file systems and loses a file that is replaced.
 */
export class Certificates {
  /** What was wrong with the files at the start; empty: nothing. Not to be started with. */
  readonly problems: readonly string[]
  private readonly pairs: readonly Pair[]
  private readonly log: CertificatesLog
  private byName: ReadonlyMap<string, SecureContext> = new Map()
  private timer: NodeJS.Timeout | null = null
  private polling: Promise<void> | null = null

  private constructor(pairs: readonly Pair[], problems: readonly string[], log: CertificatesLog) {
    this.pairs = pairs
    this.problems = problems
    this.log = log
    this.renew()
  }

  /** Reads all pairs. Never rejects for what is in the files: see `problems`. */
  static async load(options: Tls, log: CertificatesLog): Promise<Certificates> {
    const pairs = options.certificates.map(pair => new Pair(pair, options))
    const problems: string[] = []
    for (const pair of pairs) {
      const problem = await pair.load()
      if (problem !== null) problems.push(problem)
      else pair.warnOfExpiry(log)
    }
    return new Certificates(pairs, problems, log)
  }

  /** What a client is shown that asks for no name, or for one that nobody has; null: there are no certificates. */
  get usual(): SecureContext | null {
    return this.pairs[0]?.certificate?.context ?? null
  }

  /** The context for the name that a client asks for, from the wire; null: none has it. A wildcard is one label (RFC 6125 6.4.3). */
  forName(name: string): SecureContext | null {
    const lower = name.toLowerCase()
    const parent = lower.slice(lower.indexOf('.') + 1)
    return this.byName.get(lower) ?? this.byName.get(`*.${parent}`) ?? null
  }

  /** `forName` as node:tls wants it. One function for all handshakes. */
  readonly answerName = (name: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    done(null, this.forName(name) ?? this.usual ?? undefined)
  }

  get expiries(): readonly Expiry[] {
    return this.pairs.flatMap(({ certificate }, i) => {
      if (certificate === null) return []
      return [{ certificate: certificate.names[0] ?? String(i), at: certificate.expires / 1000 }]
    })
  }

  /** Whether what lies in the files is in force. */
  get isCurrent(): boolean {
    return this.pairs.every(pair => pair.isCurrent)
  }

  /** Starts to look every `interval` milliseconds whether a file has changed. The timer does not keep the process alive. */
  watch(interval: number = pollInterval): void {
    if (this.pairs.length > 0) this.timer ??= setInterval(() => this.poll(), interval).unref()
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
  }

  /** Looks at all files now; one look at a time. Never rejects. */
  poll(): Promise<void> {
    this.polling ??= this.pollPairs().finally(() => {
      this.polling = null
    })
    return this.polling
  }

  private async pollPairs(): Promise<void> {
    for (const pair of this.pairs) {
      const { cert } = pair.files
      const result = await pair.poll()
      if (result === 'unchanged') continue
      if (result === 'loaded') {
        this.renew()
        this.log.info({ event: 'tls', cert, names: pair.certificate?.names }, 'certificate read again')
        pair.warnOfExpiry(this.log)
      } else {
        this.log.warn({ event: 'tls', cert, problem: result.problem }, 'new certificate not taken, the old one holds')
      }
    }
  }

  private renew(): void {
    const byName = new Map<string, SecureContext>()
    for (const { certificate } of this.pairs) {
      for (const name of certificate?.names ?? []) {
        if (certificate !== null && !byName.has(name)) byName.set(name, certificate.context)
      }
    }
    this.byName = byName
  }
}

type PairPoll = 'unchanged' | 'loaded' | { readonly problem: string }

/** Two files that may change under us. */
class Pair {
  readonly files: KeyPair
  certificate: Certificate | null = null
  isCurrent = true
  private readonly terms: Terms
  /** The version that was last read, whether it could be used or not. */
  private readMark = ''
  /** The version that the last poll saw. */
  private seenMark = ''

  constructor(files: KeyPair, terms: Terms) {
    this.files = files
    this.terms = terms
  }

  /** Reads them for the first time; what is wrong, null if nothing is. */
  async load(): Promise<string | null> {
    const { mark, found } = await readPair(this.files, this.terms)
    this.readMark = mark
    this.isCurrent = typeof found !== 'string'
    if (typeof found === 'string') return found
    this.certificate = found
    return null
  }

  /**
   * Reads them once both are the same at two polls in a row: they are written one after the other, and in between the key is not
   * that of the certificate.
   */
  async poll(): Promise<PairPoll> {
    const mark = await markOfPair(this.files)
    const isSettled = mark === this.seenMark
    this.seenMark = mark
    if (mark === this.readMark || !isSettled) return 'unchanged'
    const problem = await this.load()
    return problem === null ? 'loaded' : { problem }
  }

  /** It is shown all the same: what a client makes of it is the client's. */
  warnOfExpiry(log: CertificatesLog): void {
    if (this.certificate === null || this.certificate.expires > Date.now()) return
    log.warn({ event: 'tls', cert: this.files.cert }, 'this certificate has expired')
  }
}
