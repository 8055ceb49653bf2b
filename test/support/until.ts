import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so, asked every 10 ms; rejects after `waitMs`, naming what was waited for, and as soon as `check` does. */
export async function until(what: string, check: () => Promise<boolean> | boolean, waitMs = 20_000): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`${what}: not so within ${waitMs} ms`)
    await sleep(10)
  }
}
