import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until a check holds; rejects with it after `waitMs`. */
export async function until(check: () => Promise<boolean> | boolean, waitMs = 20_000): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not so within ${waitMs} ms: ${check}`)
    await sleep(20)
  }
}
