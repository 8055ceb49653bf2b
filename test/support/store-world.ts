import type { Store } from '@sallyport/proxy/store/index.js'

/** A wall clock in seconds that stands still until it is moved, and a log that is kept. */
export class StoreWorld {
  seconds = 1_790_000_000
  readonly lines: string[] = []
  readonly now = (): number => this.seconds
  readonly clock = (): number => performance.now() + this.seconds * 1000
  readonly advance = async (seconds: number): Promise<void> => {
    this.seconds += seconds
  }
  readonly log = {
    info: (message: string): void => void this.lines.push(`info ${message}`),
    warn: (message: string): void => void this.lines.push(`warn ${message}`),
  }
}

/**
 * Waits until something is so, looking every few milliseconds; rejects after `wait` ms, naming what was waited for. A look that
 * fails has not found it yet: a Redis that takes another's place drops the connections over which it is asked.
 */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>, wait = 20_000): Promise<void> {
  const deadline = performance.now() + wait
  let cause: unknown
  const look = async () => {
    try {
      return await isSo()
    } catch (error) {
      cause = error
      return false
    }
  }
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`not within ${wait} ms: ${what}`, { cause })
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

let flushes = 0

/** What the store wrote before is where it is to be: a recall goes after it on its connection, and one of a client that nobody has met is always asked. */
export async function flushed(store: Pick<Store, 'recall'>): Promise<void> {
  await store.recall(`flush-${flushes++}`)
  // All answers may have come in one piece: whoever waits for the others hears in the same turn.
  await new Promise(resolve => setImmediate(resolve))
}
