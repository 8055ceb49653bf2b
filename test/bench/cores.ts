import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { cli } from '../support/gate.ts'
import { freePort } from '../support/port.ts'
import { smtpSource, startSink } from './program.ts'
import { median, type Row } from './table.ts'

/*
 * How several gates on one machine best share one port: CPU a session, of all their processes together, and how evenly the sessions
 * fall. `socket`: all accept from one listening socket, as systemd hands it over. `reuse_port`: a socket each, among which the kernel
 * chooses by address and port of the client. `cluster`: node:cluster, whose first process opens the port for all, and, where it takes
 * turns, accepts for all.
 */

const sessions = 2_000
const rounds = 5

/** Clock ticks a second in /proc/PID/stat. */
const ticks = 100

/** sd_listen_fds(3): LISTEN_PID must be the pid of the gate itself. */
const asSystemd = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"'

const clustered = `
  const cluster = require('node:cluster')
  cluster.schedulingPolicy = Number(process.argv[1])
  cluster.setupPrimary({ execArgv: [], exec: process.argv[2], args: process.argv.slice(3), stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  cluster.fork(); cluster.fork()
  process.on('SIGTERM', () => process.exit())`

interface Herd {
  readonly name: string
  readonly port: number
  readonly children: readonly ChildProcess[]
}

/** The processes that do the work: the children, or theirs. */
function pidsOf({ children }: Herd): number[] {
  return children.flatMap(({ pid = 0 }) => {
    const forked = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
    return [pid, ...(forked === '' ? [] : forked.split(' ').map(Number))]
  })
}

/** User and system time of each, seconds (proc(5): fields 14 and 15). */
function cpuOf(herd: Herd): number[] {
  return pidsOf(herd).map(pid => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / ticks
  })
}

async function startHerd(name: string, backend: number, folder: string): Promise<Herd> {
  const port = await freePort()
  const file = join(folder, `${name.replaceAll(' ', '-')}.yaml`)
  const listen = name === 'reuse_port' ? `{ address: '127.0.0.1:${port}', reuse_port: true }` : `'127.0.0.1:${port}'`
  writeFileSync(
    file,
    `hostname: gate.example.test
listen: [${listen}]
backend: { address: '127.0.0.1:${backend}', identity: none, i_know_the_backend_sees_the_gate: true }
store: { kind: memory, file: '${folder}/$\{STORE}.json' }
access: { allow: [127.0.0.0/8] }
limits: { per_client: 10000 }
admin: { listen: off }
`,
  )
  const run = [cli, 'run', '-c', file]
  const env = (number: number) => ({ ...process.env, STORE: `${name}-${number}` })
  const ignored = ['ignore', 'ignore', 'ignore'] as const
  if (name.startsWith('cluster')) {
    const policy = name.endsWith('turns') ? '2' : '1'
    const primary = spawn(process.execPath, ['-e', clustered, policy, ...run], { stdio: [...ignored], env: env(0) })
    return { name, port, children: [primary] }
  }
  const numbers = name === 'one' ? [1] : [1, 2]
  if (name !== 'socket') {
    const children = numbers.map(number => spawn(process.execPath, run, { stdio: [...ignored], env: env(number) }))
    return { name, port, children }
  }
  const server = createServer().listen(port, '127.0.0.1', 1024)
  await new Promise(resolve => server.once('listening', resolve))
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle
  const stdio = [...ignored, fd]
  const children = numbers.map(number =>
    spawn('sh', ['-c', asSystemd, process.execPath, ...run], { stdio, env: env(number) }),
  )
  // systemd does not accept either while the service runs; what it holds open is a copy.
  server.close()
  return { name, port, children }
}

/** Until a gate greets, and a moment more, as there are two. */
async function ready({ port }: Herd): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const socket = connect(port, '127.0.0.1')
    const heard = await Promise.race([once(socket, 'data').catch(() => null), pause(1_000, null)])
    socket.destroy()
    if (heard !== null) return pause(3_000)
    await pause(100)
  }
  throw new Error(`nobody greets on port ${port}`)
}

/** EHLO, MAIL, RCPT, DATA of 4 KiB, QUIT; 40 at once, alternated so that a drifting machine favours nobody. */
export async function cores(): Promise<Row[]> {
  const sink = await startSink()
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cores-'))
  const names = ['one', 'socket', 'reuse_port', 'cluster', 'cluster that takes turns']
  const able = names.filter(name => name !== 'reuse_port' || !process.versions.node.startsWith('20.'))
  const herds = await Promise.all(able.map(name => startHerd(name, sink.port, folder)))
  await Promise.all(herds.map(ready))
  const costs = herds.map(() => [] as number[])
  const shares = herds.map(() => [] as number[])
  const args = ['-s', '40', '-l', '4096', '-m', String(sessions), '-f', 'a@example.org', '-t', 'b@example.test']
  for (let round = -2; round < rounds; round++) {
    for (const [i, herd] of herds.entries()) {
      const before = cpuOf(herd)
      await smtpSource([...args, `127.0.0.1:${herd.port}`])
      const spent = cpuOf(herd).map((seconds, at) => seconds - (before[at] ?? 0))
      const all = spent.reduce((sum, seconds) => sum + seconds, 0)
      if (round < 0) continue
      costs[i]?.push(all)
      shares[i]?.push(Math.max(...spent) / all)
    }
  }
  for (const herd of herds) for (const pid of pidsOf(herd).reverse()) process.kill(pid, 'SIGKILL')
  await sink.stop()
  rmSync(folder, { recursive: true, force: true })
  return herds.map(({ name }, i) => ({
    what: `two gates on one port, CPU a session, the busiest process's part: ${name}`,
    value: `${((median(costs[i] ?? []) / sessions) * 1e6).toFixed(0)} µs ${(median(shares[i] ?? []) * 100).toFixed(0)} %`,
  }))
}
