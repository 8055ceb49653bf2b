import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/port.js'

const cli = fileURLToPath(new URL('../../../packages/proxy/dist/cli.js', import.meta.url))
const pipes = {
  octets: fileURLToPath(new URL('./pipe.js', import.meta.url)),
  lines: fileURLToPath(new URL('./line-pipe.js', import.meta.url)),
  decline: fileURLToPath(new URL('./decline.js', import.meta.url)),
}

/** Clock ticks a second in /proc/PID/stat; 100 on every Linux that Node runs on. */
const ticks = 100

/** A program under measurement, in a process of its own. */
export class Program {
  readonly port: number
  private readonly child: ChildProcess
  private readonly folder: string | null

  constructor(child: ChildProcess, port: number, folder: string | null) {
    this.child = child
    this.port = port
    this.folder = folder
  }

  /** User and system time of the process so far, seconds (proc(5): fields 14 and 15). */
  cpu(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / ticks
  }

  /** System time alone: what the kernel has worked for it. */
  kernel(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[12]) / ticks
  }

  /** Resident memory now, octets. */
  rss(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  }

  async stop(): Promise<void> {
    this.child.ref()
    const exited = new Promise(resolve => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await exited
    if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The gate in front of `backend`; `settings` is YAML that is put behind the common part. */
export async function startGate(backend: number, settings: string): Promise<Program> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const file = join(folder, 'sallyport.yaml')
  const common = [
    'hostname: gate.example.test',
    `listen: ['127.0.0.1:${port}']`,
    `backend: { address: '127.0.0.1:${backend}', identity: none, i_know_the_backend_sees_the_gate: true }`,
    `store: { kind: memory, file: ${join(folder, 'clients')} }`,
    'admin: { listen: null }',
  ]
  writeFileSync(file, `${common.join('\n')}\n${settings}`)
  return launch(process.execPath, [cli, 'run', '-c', file], port, folder)
}

/** Two sockets, and `pipe`, or line by line between them: the least a proxy in Node can cost. `decline`: one that only says no. */
export async function startPipe(backend: number, kind: keyof typeof pipes = 'octets'): Promise<Program> {
  const port = await freePort()
  return launch(process.execPath, [pipes[kind], String(port), String(backend)], port, null)
}

/** Postfix's smtp-sink: a mail server that takes everything. */
export async function startSink(): Promise<Program> {
  const port = await freePort()
  return launch('/usr/sbin/smtp-sink', ['-u', 'nobody', '-c', `127.0.0.1:${port}`, '1000'], port, null)
}

async function launch(command: string, args: readonly string[], port: number, folder: string | null): Promise<Program> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  // A bench that fails must neither wait for its programs nor leave them behind.
  child.unref()
  process.once('exit', () => child.kill('SIGKILL'))
  const program = new Program(child, port, folder)
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    if (await answers(port)) return program
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error(`${command} ${args.join(' ')} did not start`)
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.250' })
    socket.once('connect', () => socket.destroy())
    socket.once('error', () => resolve(false))
    socket.once('close', failed => resolve(!failed))
  })
}

/** Runs Postfix's smtp-source to its end; seconds it took. */
export function smtpSource(args: readonly string[]): Promise<number> {
  const begin = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn('/usr/sbin/smtp-source', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    child.once('error', reject)
    child.once('exit', code => {
      if (code === 0) resolve((performance.now() - begin) / 1000)
      else reject(new Error(`smtp-source ${args.join(' ')} ended with ${code}`))
    })
  })
}
