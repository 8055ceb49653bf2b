import { appendFile, chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { found } from '../support/found.ts'
import { userId } from '../support/postfix.ts'
import { type Finished, run as runProgram } from '../support/process.ts'

/** A Postfix of our own beside that of the machine: own configuration, queue, data and log, all in one directory. */
export interface PostfixInstance {
  readonly directory: string
  readonly configuration: string
  /** Runs a command of Postfix on this instance's configuration. */
  run(program: 'postfix' | 'postconf', ...args: string[]): Promise<Finished>
  /** Sets in main.cf whatever keeps the instance in its directory and on loopback; again, if main.cf was written anew. */
  confine(): Promise<void>
  start(): Promise<void>
  /** The whole log once a line of it matches: postlogd(8) writes it behind the replies. Not within 10 s throws. */
  logged(pattern: RegExp): Promise<string>
  /** The IPv4 addresses and ports that master(8) listens on, as `127.0.0.1:10025`. */
  listening(): Promise<string[]>
  /** Stops it when it runs, and takes its directory away. */
  remove(): Promise<void>
}

/** What a small site would have in main.cf, but that the mail goes nowhere and no name is looked up. */
const site = `compatibility_level = 3.6
myhostname = mx.example.net
mydestination = example.net
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
local_transport = discard:
default_transport = discard:
smtpd_peername_lookup = no
`

/** Makes the directory: main.cf as a small site would have it, and the master.cf that Debian ships. Nothing runs yet. */
export async function makePostfix(): Promise<PostfixInstance> {
  if (process.getuid?.() !== 0) throw new Error('Postfix can only be started by root: run the tests as root')
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-postfix-'))
  await chmod(directory, 0o755)
  const configuration = join(directory, 'etc')
  for (const name of ['etc', 'queue', 'data']) await mkdir(join(directory, name), { mode: 0o755 })
  await chown(join(directory, 'data'), userId('postfix'), 0)
  await writeFile(join(configuration, 'main.cf'), site)
  await writeFile(join(configuration, 'master.cf'), await readFile('/usr/share/postfix/master.cf.dist', 'utf8'))
  const run = (program: 'postfix' | 'postconf', ...args: string[]) =>
    runProgram(`/usr/sbin/${program}`, ['-c', configuration, ...args])
  const confine = async () => {
    const own = [
      `queue_directory=${directory}/queue`,
      `data_directory=${directory}/data`,
      `maillog_file=${directory}/log`,
      `maillog_file_prefixes=${directory}`,
      'inet_interfaces=loopback-only',
      'inet_protocols=ipv4',
    ]
    const { code, stderr } = await run('postconf', '-e', ...own)
    if (code !== 0) throw new Error(`postconf -e: ${code}: ${stderr}`)
  }
  await confine()
  const log = () => readFile(join(directory, 'log'), 'utf8')
  return {
    directory,
    configuration,
    run,
    confine,
    start: async () => {
      const { code, stderr } = await run('postfix', 'start')
      if (code !== 0) throw new Error(`postfix start: ${code}: ${stderr}`)
    },
    logged: pattern => {
      const look = async () => {
        const text = await log()
        return pattern.test(text) ? text : undefined
      }
      return found(`no line of the log matches ${pattern}`, 10_000, look, log)
    },
    listening: async () => listeners((await readFile(join(directory, 'queue/pid/master.pid'), 'utf8')).trim()),
    remove: async () => {
      if ((await run('postfix', 'status')).code === 0) await run('postfix', 'stop')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Appends a fragment to main.cf or master.cf as a user would, with a free port in place of 10025. */
export async function append(
  postfix: PostfixInstance,
  name: 'main.cf' | 'master.cf',
  fragment: string,
  port: number,
): Promise<void> {
  await appendFile(join(postfix.configuration, name), `\n${fragment.replaceAll(':10025', `:${port}`)}`)
}

/** Joins the sockets that a process holds with the kernel's table of listening sockets (proc(5): st 0A is LISTEN). */
async function listeners(pid: string): Promise<string[]> {
  const held = new Set<string>()
  for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
    const socket = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ''))
    if (socket?.[1] !== undefined) held.add(socket[1])
  }
  const open: string[] = []
  for (const line of (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    if (state !== '0A' || !held.has(inode)) continue
    open.push(`${[...Buffer.from(address, 'hex')].reverse().join('.')}:${Number.parseInt(port, 16)}`)
  }
  return open
}
