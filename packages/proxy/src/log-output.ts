import { writeSync } from 'node:fs'
import { codeOf } from './error.ts'

/** Octets that may wait for a slow reader before lines are dropped: a stuck pipe must not stop the gate. */
const waitingLimit = 8 * 1024 * 1024

/** Lines are written together: when so many octets wait, or this often (ms). A write each costs more than making the line. */
const batch = { octets: 8192, wait: 100 } as const

/** How long the last lines are tried to be got rid of at the very end, ms. */
const farewell = 1_000

/** Between two tries to write to a reader that is behind, ms. */
const retry = 10

/** Octets in a write. */
const longestWrite = 65_536

/**
 * Lines on their way to stdout: bounded, in batches, never waited for. A pipe or a socket is made non-blocking, so that a
 * write takes what there is room for and returns.
 *
 * Not taken: pino's destination (sonic-boom). Written synchronously it stops the event loop when the reader does not read.
 * Written asynchronously the write hangs in a thread, for which even process.exit() waits: such a gate could not be stopped.
 */
export class LogOutput {
  /** Lines that nobody will read: the reader was too slow, or is gone. */
  dropped = 0
  private readonly fd: number
  private lines: string[] = []
  /** UTF-16 units in `lines`; the log is ASCII but for what a system's error messages say. */
  private waiting = 0
  /** What has begun to be written. */
  private begun: Buffer = Buffer.alloc(0)
  private begunLines = 0
  private retrying: NodeJS.Timeout | null = null

  constructor(fd: number) {
    this.fd = fd
    // To ask for it is what makes a pipe non-blocking: Node does so when it opens its own stream on it.
    if (fd === 1) void process.stdout
    // Does not keep the process alive; what is left at the end is written by `flush`.
    setInterval(() => this.push(), batch.wait).unref()
  }

  /** Takes a whole line, or drops it. */
  add(line: string): void {
    if (this.waiting + this.begun.length + line.length > waitingLimit) {
      this.dropped++
      return
    }
    this.lines.push(line)
    this.waiting += line.length
    if (this.waiting >= batch.octets) this.push()
  }

  /** Writes what waits, and waits for the reader a little: for the very end. */
  flush(): void {
    const end = performance.now() + farewell
    for (;;) {
      this.push()
      if (this.retrying === null) return
      if (performance.now() > end) break
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retry)
      this.stopRetrying()
    }
    this.dropped += this.begunLines + this.lines.length
  }

  private push(): void {
    if (this.retrying !== null) return
    try {
      while (this.begun.length > 0 || this.lines.length > 0) {
        if (this.begun.length === 0) this.begin()
        const written = writeSync(this.fd, this.begun, 0, Math.min(this.begun.length, longestWrite))
        this.begun = this.begun.subarray(written)
      }
      this.begunLines = 0
    } catch (error) {
      if (isBehind(error)) {
        this.retrying = setTimeout(() => {
          this.retrying = null
          this.push()
        }, retry).unref()
        return
      }
      // A closed pipe or a full disk costs log lines, not mail.
      this.dropped += this.begunLines
      this.begunLines = 0
      this.begun = Buffer.alloc(0)
    }
  }

  private begin(): void {
    this.begun = Buffer.from(this.lines.join(''))
    this.begunLines = this.lines.length
    this.lines = []
    this.waiting = 0
  }

  private stopRetrying(): void {
    if (this.retrying !== null) clearTimeout(this.retrying)
    this.retrying = null
  }
}

const isBehind = (error: unknown): boolean => codeOf(error) === 'EAGAIN'
