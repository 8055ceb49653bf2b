// A gate in a process of its own whose memory can be measured to the octet: it collects its garbage before it tells.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { ListenMode, Timeouts } from '@sallyport/proxy/config/config.js'
import { type Owner, tempDirectory, undoAfter } from '../support/owner.ts'

/** What the process is to run. */
export interface Order {
  readonly settings: string
  /** Also below what a configuration may have. */
  readonly waits: Partial<Timeouts>
  readonly folder: string
  /** A port is opened for each. */
  readonly modes: readonly ListenMode[]
}

/** What the process holds, after a collection. */
export interface Report {
  /** The engine's heap and all buffers outside of it, octets. */
  readonly held: number
  /** Resident memory, octets, without the part of the engine's heap that is empty: it keeps that for what is to come, Node 24 twice as much as Node 20. */
  readonly resident: number
  readonly connections: number
  /** Those that the census counts. */
  readonly counted: number
  /** Sessions that have not ended. */
  readonly sessions: number
  /** Sessions without a deadline. */
  readonly boundless: number
  /** Entries of the wheel. */
  readonly deadlines: number
  /** Timers that keep the process from its end. */
  readonly timers: number
  readonly descriptors: number
  /** The most that waits in any session, octets: unread of its client; */
  readonly unread: number
  /** read from its sockets although they are paused; */
  readonly paused: number
  /** unsent to its client, and to its backend; */
  readonly toClient: number
  readonly toBackend: number
  /** and all of these together. */
  readonly together: number
  /** The age of the oldest session that has not ended, ms. */
  readonly oldest: number
  /** For how long the process could have run and was not let, since it began, ms. */
  readonly robbed: number
  /** Ended sessions by their ending. */
  readonly endings: Readonly<Record<string, number>>
  /** Faults of our own. */
  readonly faults: number
}

export interface GaugedGate {
  /** In the order of the modes. */
  readonly ports: readonly number[]
  report(): Promise<Report>
}

export async function startGauged(
  owner: Owner,
  settings: string,
  waits: Partial<Timeouts>,
  modes: readonly ListenMode[],
): Promise<GaugedGate> {
  const folder = await tempDirectory(owner, 'gauge')
  const child = fork(new URL('./gauge.js', import.meta.url), { execArgv: ['--expose-gc'] })
  undoAfter(owner, async () => {
    child.disconnect()
    if (child.exitCode === null) await once(child, 'exit')
  })
  const ports = await asked<number[]>(child, { settings, waits, folder, modes } satisfies Order)
  return { ports, report: () => asked<Report>(child, 'report') }
}

async function asked<T>(child: ChildProcess, question: object | string): Promise<T> {
  const gone = new AbortController()
  const exit = once(child, 'exit', { signal: gone.signal }).then(([code]) => {
    throw new Error(`the gate's process ended with ${code}`)
  })
  const answer = once(child, 'message', { signal: gone.signal })
  child.send(question)
  try {
    const [message] = await Promise.race([answer, exit])
    return message as T
  } finally {
    gone.abort()
    exit.catch(() => {})
    answer.catch(() => {})
  }
}
