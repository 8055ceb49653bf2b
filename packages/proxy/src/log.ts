import pino, { type Logger } from 'pino'
import type { Level } from './config/config.ts'

/** Octets of log lines that may wait for a slow reader before lines are dropped: a stuck pipe must not stop the gate. */
const waitingLimit = 8 * 1024 * 1024

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
  /** Lines dropped because the reader was too slow. */
  readonly dropped: number
  /** Writes what waits, synchronously: for the very end. */
  flush(): void
}

/** `fd`: 1 for stdout. */
export function openLog(level: Level, fd: number): Log {
  const destination = pino.destination({ fd, sync: false, maxLength: waitingLimit })
  const counts = { dropped: 0 }
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
  return {
    session: (line, message) => logger.info(line, message),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    level(next) {
      logger.level = next
    },
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
