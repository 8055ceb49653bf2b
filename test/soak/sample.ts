import { descriptors, memory } from '../faults/process-state.ts'
import type { RunningGate } from '../support/gate.ts'

/** What the gate held at one moment. */
export interface Sample {
  /** Seconds since the soak began. */
  readonly at: number
  /** Resident memory, MB (10^6 octets). */
  readonly memory: number
  readonly descriptors: number
  /** Everything that keeps the engine from its end: sockets, servers, timers. */
  readonly resources: number
  /** Timers among these. */
  readonly timers: number
  /** Good clients served a second since the sample before. */
  readonly served: number
}

export async function sample(gate: RunningGate, at: number, served = 0): Promise<Sample> {
  const held = [...(await gate.metrics()).matchAll(/^nodejs_active_resources\{type="(\w+)"\} (\d+)$/gm)]
  const sum = (of: readonly RegExpExecArray[]) => of.reduce((all, [, , count]) => all + Number(count), 0)
  return {
    at,
    memory: memory(gate.pid),
    descriptors: descriptors(gate.pid),
    resources: sum(held),
    timers: sum(held.filter(([, type]) => type === 'Timeout')),
    served,
  }
}
