import { readFileSync } from 'node:fs'
import { processorTime } from '../faults/process-state.ts'

/** What of the machine others take: a soak beside other work is none. */
export class Machine {
  readonly #ours: readonly number[]
  readonly #begun: readonly [busy: number, own: number, all: number]

  /** From now on; `ours`: the process ids that are a part of it, beside this one. */
  constructor(ours: readonly number[]) {
    this.#ours = ours
    this.#begun = this.#read()
  }

  /** The share of all processor time since the beginning that was neither idle nor ours, 0 to 1. */
  others(): number {
    const [busy, own, all] = this.#read().map((now, i) => now - (this.#begun[i] ?? 0)) as [number, number, number]
    return Math.max(0, busy - own) / Math.max(1, all)
  }

  /** All in ms. */
  #read(): [busy: number, own: number, all: number] {
    // proc(5): user nice system idle iowait irq softirq steal, in hundredths of a second.
    const fields = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? ''
    const times = fields
      .split(' ')
      .slice(0, 8)
      .map(text => Number(text) * 10)
    const all = times.reduce((sum, time) => sum + time, 0)
    const { user, system } = process.cpuUsage()
    const own = (user + system) / 1_000 + this.#ours.reduce((sum, pid) => sum + processorTime(pid), 0)
    return [all - (times[3] ?? 0) - (times[4] ?? 0), own, all]
  }
}
