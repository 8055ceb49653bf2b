// Real programs under test: started, awaited until they can be used, and always stopped, by process id.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Output } from './output.ts'
import { type Owner, undoAfter, undoAtExit } from './owner.ts'

/** When a program is ready: its port answers, a line of its output matches, or `check` says so (asked every few ms). */
type Readiness =
  | { readonly port: number; readonly host?: string }
  | { readonly line: RegExp }
  | { readonly check: () => boolean | Promise<boolean> }

interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly ready: Readiness
  readonly directory?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** A descriptor of this process that is its descriptor 3. */
  readonly descriptor?: number
  /** How long it may take to become ready, in ms. */
  readonly waitMs?: number
  /** Where else the program explains itself (a log file); its end is put into the error when it does not start. */
  readonly log?: () => Promise<string>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Program {
  readonly pid: number
  /** Resolves when the program has ended, for whatever reason. */
  readonly exited: Promise<Exit>
  /** What it has written to stdout and stderr, in the order it arrived (at least the last `outputLimit` characters). */
  output(): string
  /** The same, for whoever reads it as it comes. */
  readonly written: Output
  /** The first line of the output that matches; rejects with the output's end after `waitMs` (20,000) or when the program ends. */
  waitForLine(pattern: RegExp, waitMs?: number): Promise<string>
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL after `graceMs` (5,000). Resolves when the program and all the processes it started are gone. */
  stop(graceMs?: number): Promise<Exit>
}

const outputLimit = 64 * 1024 * 1024
const tailLimit = 4_000
const pollMs = 10

/**
 * Starts a program in a process group of its own (so that its children can be stopped with it, and Ctrl-C reaches the test
 * first) and resolves when it is ready. Rejects, with the end of its output, when it ends or is not ready in time.
 */
export async function startProgram(owner: Owner, options: ProgramOptions): Promise<Program> {
  const program = new RunningProgram(options)
  undoAfter(owner, async () => {
    await program.stop()
  })
  try {
    await program.becomeReady(options.ready, options.waitMs ?? 30_000)
  } catch (error) {
    await program.stop()
    const log = options.log === undefined ? '' : `\n--- log\n${tail(await options.log().catch(String))}`
    throw new Error(`${String(error instanceof Error ? error.message : error)}${log}`, { cause: error })
  }
  return program
}

class RunningProgram implements Program {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly #command: string
  readonly #child: ChildProcess
  readonly #streams = { stdout: new Output(outputLimit), stderr: new Output(outputLimit) }
  readonly written = new Output(outputLimit)
  #exit: Exit | undefined
  #failure: Error | undefined

  constructor(options: ProgramOptions) {
    this.#command = [options.command, ...options.args].join(' ')
    this.#child = spawn(options.command, options.args, {
      cwd: options.directory,
      env: { ...process.env, ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(options.descriptor === undefined ? [] : [options.descriptor])],
    })
    this.pid = this.#child.pid ?? 0
    const forget = undoAtExit(() => signalGroup(this.pid, 'SIGKILL'))
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#streams[name].add(text)
        this.written.add(text)
      })
    }
    this.exited = new Promise(resolve => {
      const end = (exit: Exit): void => {
        this.#exit = exit
        forget()
        resolve(exit)
      }
      this.#child.once('error', error => {
        this.#failure = error
        if (this.pid === 0) end({ code: null, signal: null })
      })
      // Not 'exit': what was written last may still be in the pipe then.
      this.#child.once('close', (code, signal) => end({ code, signal }))
    })
  }

  output(): string {
    return this.written.text
  }

  /** The same, each stream by itself. */
  get texts(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#streams.stdout.text, stderr: this.#streams.stderr.text }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal)
  }

  async stop(graceMs = 5_000): Promise<Exit> {
    const deadline = performance.now() + graceMs
    this.kill('SIGTERM')
    const late = setTimeout(() => signalGroup(this.pid, 'SIGKILL'), graceMs)
    const exit = await this.exited
    clearTimeout(late)
    // Children (Postfix's daemons) may outlive it by a moment and still hold its sockets.
    if (!(await groupGone(this.pid, deadline - performance.now()))) {
      signalGroup(this.pid, 'SIGKILL')
      await groupGone(this.pid, 1_000)
    }
    return exit
  }

  async waitForLine(pattern: RegExp, waitMs = 20_000): Promise<string> {
    let found: string | undefined
    let seen = 0
    await this.#until(`no line of its output matches ${pattern}`, waitMs, () => {
      const lines = this.written.since(seen).split('\n')
      found = lines.find(line => pattern.test(line))
      // The last has not ended.
      seen = this.written.end - (lines.at(-1)?.length ?? 0)
      return found !== undefined
    })
    return found ?? ''
  }

  async becomeReady(ready: Readiness, waitMs: number): Promise<void> {
    if ('line' in ready) {
      await this.waitForLine(ready.line, waitMs)
    } else if ('port' in ready) {
      const host = ready.host ?? '127.0.0.1'
      await this.#until(`nothing answers on ${host}:${ready.port}`, waitMs, () => answers(ready.port, host))
    } else {
      await this.#until('it is not ready', waitMs, ready.check)
    }
  }

  async #until(otherwise: string, waitMs: number, check: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + waitMs
    for (;;) {
      // The end is looked at before the check, so that what was written last is still seen.
      const exit = this.#exit
      if (await check()) return
      if (exit !== undefined) throw this.#error(`${otherwise}, and it has ended (${describeExit(exit, this.#failure)})`)
      if (performance.now() > deadline) throw this.#error(`${otherwise} after ${waitMs} ms`)
      await sleep(pollMs)
    }
  }

  #error(what: string): Error {
    return new Error(`${this.#command}: ${what}\n--- output\n${tail(this.written.text)}`)
  }
}

function describeExit(exit: Exit, failure: Error | undefined): string {
  if (failure !== undefined) return failure.message
  return exit.signal === null ? `code ${exit.code}` : `${exit.signal}`
}

function tail(text: string): string {
  return text === '' ? '(nothing)' : text.slice(-tailLimit)
}

function answers(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** Signals every process of the group; says whether there was one. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  if (pid === 0) return false
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}

async function groupGone(pid: number, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs
  while (signalGroup(pid, 0) && groupRuns(pid)) {
    if (performance.now() > deadline) return false
    await sleep(pollMs)
  }
  return true
}

/**
 * Whether a process of the group runs. A signal reaches the dead as well until their new parent has collected them, which process 1
 * of a container does late or never; Linux tells them apart.
 */
function groupRuns(pid: number): boolean {
  if (!existsSync('/proc/self/stat')) return true
  return readdirSync('/proc').some(entry => {
    if (!/^\d+$/.test(entry)) return false
    try {
      // pid (command) state parent group …; the command may hold anything, parentheses too (proc(5)).
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return group === String(pid) && state !== 'Z' && state !== 'X'
    } catch {
      return false
    }
  })
}

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Both, in the order they arrived. */
  readonly output: string
}

/**
 * Runs a program to its end and gives its exit code and what it wrote. A program that is killed, cannot be started or takes
 * longer than `waitMs` rejects: no test means to compare against that.
 */
export async function run(command: string, args: readonly string[], waitMs = 30_000): Promise<Finished> {
  const program = new RunningProgram({ command, args, ready: { check: () => true } })
  const late = setTimeout(() => signalGroup(program.pid, 'SIGKILL'), waitMs)
  const { code, signal } = await program.exited
  clearTimeout(late)
  if (code === null) {
    throw new Error(
      `${command} ended by ${signal ?? 'failing to start'} (limit ${waitMs} ms)\n${tail(program.output())}`,
    )
  }
  return { code, ...program.texts, output: program.output() }
}
