import pino, { type Logger } from 'pino'
import type { Level } from './config/config.ts'

/** Octets of log lines that may wait for a slow reader before lines are dropped: a stuck pipe must not stop the gate. */
const waitingLimit = 8 * 1024 * 1024

/** Lines are written together: when so many octets wait, or this often (ms). A write each costs more than making the line. */
const batch = { octets: 8192, wait: 100 } as const

/**
 * The log: JSON lines on stdout, asynchronous and bounded. pino's default destination writes synchronously; with a reader
 * that does not read, it stops the event loop, and with it every client's timing.
 */
export interface Log {
  session(line: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  level(level: Level): void
  /** Whether lines of this level are written at all. */
  tells(level: Level): boolean
  /** Lines dropped because the reader was too slow. */
  readonly dropped: number
  /** Writes what waits, synchronously: for the very end. */
  flush(): void
}

/** `fd`: 1 for stdout. */
export function openLog(level: Level, fd: number): Log {
  const counts = { dropped: 0, waiting: 0 }
  const destination = pino.destination({ fd, sync: false, minLength: batch.octets, maxLength: waitingLimit })
  // Does not keep the process alive; what is left at the end is written by `flush`.
  setInterval(() => {
    if (counts.waiting > 0) destination.flush()
    counts.waiting = 0
  }, batch.wait).unref()
  destination.on('drop', () => {
    counts.dropped++
  })
  // A closed pipe or a full disk costs log lines, not mail.
  destination.on('error', () => {
    counts.dropped++
  })
  const logger: Logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  )
  const at = (name: Level) => (fields: object, message: string) => {
    counts.waiting++
    logger[name](fields, message)
  }
  return {
    session: at('info'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    level(next) {
      logger.level = next
    },
    tells: asked => logger.isLevelEnabled(asked),
    get dropped() {
      return counts.dropped
    },
    flush() {
      try {
        destination.flushSync()
      } catch {
        counts.dropped++
      }
    },
  }
}
