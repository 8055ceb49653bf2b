import { waitingTime } from '../faults/process-state.ts'

/**
 * Starts now, and gives the ms since then, without those in which this process waited for a processor: what other work the
 * machine has is no fault of what is measured.
 */
export function stopwatch(): () => number {
  const [begun, waited] = [performance.now(), waitingTime(process.pid)]
  return () => performance.now() - begun - (waitingTime(process.pid) - waited)
}
