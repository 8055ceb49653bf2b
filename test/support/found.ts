import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 10

/** What `look` finds, which is asked every few ms; rejects after `waitMs` with `otherwise` and the end of the log. */
export async function found<T>(
  otherwise: string,
  waitMs: number,
  look: () => Promise<T | undefined>,
  log: () => Promise<string>,
): Promise<T> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const what = await look()
    if (what !== undefined) return what
    if (performance.now() > deadline) {
      throw new Error(`${otherwise} within ${waitMs} ms\n--- log\n${(await log()).slice(-4_000)}`)
    }
    await sleep(pollMs)
  }
}
