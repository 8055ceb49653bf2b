import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './port.ts'

const run = promisify(execFile)

/** A real Redis on a loopback port, with its own directory, which forgets everything when it stops. */
export interface RedisServer {
  readonly port: number
  readonly pid: number
  /** Sends a command and gives the reply as redis-cli prints it. */
  command(...words: (string | number)[]): Promise<string>
  /** SIGSTOP: connections stay, nothing is answered. */
  pause(): void
  resume(): void
  /** SIGKILL, paused or not; returns when it is gone. */
  stop(): Promise<void>
}

/** The server and its command-line client; Valkey's are others. */
export interface RedisPrograms {
  readonly server: string
  readonly cli: string
}

export const redisPrograms: RedisPrograms = { server: 'redis-server', cli: 'redis-cli' }

const missing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
const howToInstall = 'redis-server is needed for this test: apt-get install -y redis-server'

/** Waits until it says that it accepts connections; rejects with its output if it ends before. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString()
      // A Sentinel says when it is ready in other words.
      if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve()
    })
    child.on('error', error => reject(missing(error) ? new Error(howToInstall) : error))
    child.on('exit', () => reject(new Error(`redis-server ended: ${output}`)))
  })
}

/**
 * Starts one, on a given port if it is to come back where it was; `settings` as on its command line. `file`: in place of the
 * usual settings a file that says the port as well, and what follows it. `programs`: those of Valkey, in place of Redis'.
 */
export async function startRedis(
  port?: number,
  settings: readonly string[] = [],
  file: readonly string[] = [],
  programs: RedisPrograms = redisPrograms,
): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-redis-'))
  const chosen = port ?? (await freePort())
  const usual = [
    '--port',
    String(chosen),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const options = file.length > 0 ? file : [...usual, ...settings]
  const child = spawn(programs.server, options, { stdio: ['ignore', 'pipe', 'ignore'] })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  // A test that dies must not leave it running.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  try {
    await ready(child)
  } catch (error) {
    process.off('exit', kill)
    await rm(directory, { recursive: true, force: true })
    // Between the asking and the using somebody else may have taken the port.
    if (port === undefined && error instanceof Error && error.message.includes('Address already in use')) {
      return startRedis(port, settings, file, programs)
    }
    throw error
  }
  const { pid } = child
  if (pid === undefined) throw new Error('no pid')
  const password = settings[settings.indexOf('--requirepass') + 1]
  const login =
    settings.includes('--requirepass') && password !== undefined ? ['-a', password, '--no-auth-warning'] : []
  return {
    port: chosen,
    pid,
    command: async (...words) => {
      const { stdout } = await run(programs.cli, ['-p', String(chosen), ...login, ...words.map(String)])
      return stdout.trimEnd()
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: async () => {
      kill()
      await gone
      process.off('exit', kill)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
