// The gate as users run it: a process of its own, started from the built program with a configuration file.

import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Owner, tempDirectory } from './owner.ts'
import { freePort } from './port.ts'
import { type Exit, type Finished, type Program, run, startProgram } from './process.ts'

/** The program, as seen from test/dist/support/. */
export const cli: string = resolve(import.meta.dirname, '../../../packages/proxy/dist/cli.js')

/** The name of the gate in its greeting and replies, unless the settings have another. */
const gateName = 'gate.example.test'

/** One line of the log, whatever it says. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string; readonly level: string }

/** The line of one session, as README.md tells. */
export interface SessionLine extends LogLine {
  readonly id: string
  readonly client: string
  readonly port: number
  readonly verdict: string
  readonly check?: string
  readonly why?: string
  readonly ending: string
  readonly detail?: string
  readonly vouched?: string
  readonly score?: number
  readonly helo?: string
  readonly from?: string
  readonly to?: readonly string[]
  readonly recipients: number
  readonly early?: string
  readonly ahead?: string
  readonly checks: Readonly<Record<string, string>>
  readonly reply?: string
  readonly backend_reply?: string
  readonly queue_ids?: readonly string[]
  readonly messages?: Readonly<Record<string, number>>
  readonly ms: {
    readonly greeted?: number
    readonly backend?: number
    readonly relay?: number
    readonly end: number
  }
  readonly commands: number
  readonly bytes: { readonly in: number; readonly message: number; readonly backend: number }
  readonly msg: string
}

/** What a gate is given besides its settings. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  /** A descriptor of this process: the socket that it is handed as by systemd. */
  readonly socket?: number
}

/** sd_listen_fds(3): LISTEN_PID must be the pid of the gate itself. */
const asSystemd = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"'

/**
 * Starts a gate with these settings (the text of a configuration file) and resolves when it listens. What the settings leave out of
 * `hostname`, `listen`, `admin`, `greet`, `load` is filled in: free ports of 127.0.0.1, a greeting wait of 300 ms, and nobody turned
 * away because the machine is busy. It runs in a folder of its own, so that relative names (`var/mail`, `var/clients.json`) are below that. It is drained when its owner ends, and killed
 * if that takes longer than 5 s.
 */
export async function startGate(owner: Owner, settings: string, surroundings: Surroundings = {}): Promise<RunningGate> {
  const folder = await tempDirectory(owner, 'gate')
  const gate = new RunningGate(owner, folder, await completed(settings), surroundings)
  await gate.start()
  return gate
}

/** Runs a gate that is not meant to start: its exit status and what it wrote. Rejects if it runs for 10 s. */
export async function failToStart(owner: Owner, settings: string): Promise<Finished> {
  const file = join(await tempDirectory(owner, 'gate'), 'sallyport.yaml')
  await writeFile(file, await completed(settings))
  return run(process.execPath, [cli, 'run', '-c', file], 10_000)
}

async function completed(settings: string): Promise<string> {
  const given = (key: string): boolean => new RegExp(`^${key}:`, 'm').test(settings)
  const defaults: readonly (readonly [string, string])[] = [
    ['hostname', gateName],
    ['listen', `['127.0.0.1:${await freePort()}']`],
    ['admin', `{ listen: '127.0.0.1:${await freePort()}' }`],
    ['greet', '{ wait: 300ms }'],
    ['load', '{ shed: 0% }'],
    // Nobody answers there, and at once: what the DNS of this machine says of made-up addresses, and when, is nothing to test by.
    ['dnsbl', "{ resolvers: ['127.0.0.1:1'] }"],
  ]
  const missing = defaults.filter(([key]) => !given(key)).map(([key, value]) => `${key}: ${value}\n`)
  return `${missing.join('')}${settings}\n`
}

export class RunningGate {
  /** Its working directory. */
  readonly folder: string
  /** The path of its configuration file; what is written there counts from SIGHUP or the next start on. */
  readonly file: string
  /** The text of the file as it was first written, with what was filled in. */
  readonly settings: string
  readonly #owner: Owner
  readonly #surroundings: Surroundings
  #program: Program | undefined
  #earlier = ''
  #listen: readonly string[] = []
  #admin = ''

  constructor(owner: Owner, folder: string, settings: string, surroundings: Surroundings) {
    this.#owner = owner
    this.#surroundings = surroundings
    this.folder = folder
    this.file = join(folder, 'sallyport.yaml')
    this.settings = settings
  }

  /** Starts it, again after `stop()` or its death, on the same ports and in the same folder. */
  async start(): Promise<void> {
    if (this.#program === undefined) await writeFile(this.file, this.settings)
    this.#earlier = this.output()
    const { env = {}, socket } = this.#surroundings
    const args = [cli, 'run', '-c', this.file]
    this.#program = await startProgram(this.#owner, {
      ...(socket === undefined
        ? { command: process.execPath, args }
        : { command: 'sh', args: ['-c', asSystemd, process.execPath, ...args], descriptor: socket }),
      directory: this.folder,
      env,
      ready: { line: /^\{.*"event":"start".*"listen":/ },
    })
    const line = this.lines().findLast(({ event, listen }) => event === 'start' && listen !== undefined)
    this.#listen = line?.['listen'] as readonly string[]
    this.#admin = String(line?.['admin'] ?? ':0')
  }

  /** The port of the first address that it listens on. */
  get port(): number {
    return portOf(this.#listen[0] ?? ':0')
  }

  /** All addresses that it listens on, as `127.0.0.1:2525` or `[::1]:2525`. */
  get listen(): readonly string[] {
    return this.#listen
  }

  /** 0: none. */
  get adminPort(): number {
    return portOf(this.#admin)
  }

  get pid(): number {
    return this.#program?.pid ?? 0
  }

  /** Resolves when the process has ended, for whatever reason. */
  get exited(): Promise<Exit> {
    return this.#program?.exited ?? Promise.resolve({ code: null, signal: null })
  }

  /** What it has written to stdout and stderr so far, in all its runs. */
  output(): string {
    return this.#earlier + (this.#program?.output() ?? '')
  }

  /** Every line of the log so far, in the order written. */
  lines(): LogLine[] {
    return this.output()
      .split('\n')
      .filter(line => line.startsWith('{') && line.endsWith('}'))
      .map(line => JSON.parse(line) as LogLine)
  }

  /** The session lines of the log so far. A line is written up to 100 ms after its session's end. */
  log(): SessionLine[] {
    return this.lines().filter((line): line is SessionLine => line.event === 'session')
  }

  /** The first session line that satisfies `check`; rejects after `waitMs` with all that there are. */
  async waitForSession(check: (line: SessionLine) => boolean, waitMs = 20_000): Promise<SessionLine> {
    return this.#wait(`no session line of ${check}`, waitMs, () => this.log().find(check))
  }

  /** The first log line of any event that satisfies `check`; rejects after `waitMs` with all that there are. */
  async waitForLine(check: (line: LogLine) => boolean, waitMs = 20_000): Promise<LogLine> {
    return this.#wait(`no log line of ${check}`, waitMs, () => this.lines().find(check))
  }

  /** What `/metrics` says now. */
  async metrics(): Promise<string> {
    return (await this.admin('/metrics')).text
  }

  /** The value of one sample now, as `sallyport_sessions_total{verdict="passed"}`; 0 where there is no such sample. */
  async metric(sample: string): Promise<number> {
    const line = (await this.metrics()).split('\n').find(text => text.startsWith(`${sample} `))
    return Number(line?.slice(sample.length + 1) ?? 0)
  }

  /** Resolves when a sample has this value; rejects after `waitMs`. */
  async waitForMetric(sample: string, value: number, waitMs = 20_000): Promise<void> {
    await this.#wait(`${sample} is not ${value}`, waitMs, async () =>
      (await this.metric(sample)) === value ? true : undefined,
    )
  }

  /** Asks the admin port for a path. */
  async admin(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://${this.#admin}${path}`)
    return { status: response.status, text: await response.text() }
  }

  signal(name: NodeJS.Signals): void {
    this.#program?.kill(name)
  }

  /** Drains it: SIGTERM, and SIGKILL after 5 s. Resolves when it is gone. */
  async stop(): Promise<Exit> {
    return this.#program?.stop() ?? { code: null, signal: null }
  }

  async #wait<T>(otherwise: string, waitMs: number, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const deadline = performance.now() + waitMs
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (performance.now() > deadline) {
        throw new Error(`${otherwise} within ${waitMs} ms\n--- the gate wrote\n${this.output().slice(-6_000)}`)
      }
      await sleep(10)
    }
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}
