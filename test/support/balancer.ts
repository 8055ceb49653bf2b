// Real balancers in front of gates: HAProxy and nginx, as Debian packages them.

import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Owner, tempDirectory } from './owner.ts'
import { type Program, run, startProgram } from './process.ts'
import { unpacked } from './unpacked.ts'

export interface Balancer {
  readonly program: Program
  readonly port: number
  /** The file of its configuration. */
  readonly file: string
}

export interface HaProxy extends Balancer {
  /** Sends one line to the admin socket and gives the answer. */
  command(line: string): Promise<string>
  /** What it has logged so far, every line. */
  log(): Promise<string>
}

/** A text with each of the given pieces in it replaced everywhere; a piece that is not there throws. */
export function adapted(text: string, pieces: Readonly<Record<string, string>>): string {
  return Object.entries(pieces).reduce((so, [piece, by]) => {
    if (!so.includes(piece)) throw new Error(`${JSON.stringify(piece)} is not in\n${so}`)
    return so.replaceAll(piece, by)
  }, text)
}

/**
 * Starts HAProxy with this configuration, which listens on `port`, once HAProxy itself has called it good. Users, jails, sockets
 * and limits of Debian's package are made those of the test.
 */
export async function startHaProxy(owner: Owner, configuration: string, port: number): Promise<HaProxy> {
  const folder = await tempDirectory(owner, 'haproxy')
  const [file, socket] = [join(folder, 'haproxy.cfg'), join(folder, 'admin.sock')]
  const debian = {
    '    chroot /var/lib/haproxy\n    user haproxy\n    group haproxy\n': '',
    '/run/haproxy/admin.sock': socket,
    'log /dev/log local0': 'log stdout format raw local0',
    // Test machines have fewer descriptors.
    'maxconn 20000': 'maxconn 1000',
  }
  await writeFile(file, adapted(configuration, debian))
  const command = unpacked('haproxy', 'usr/sbin/haproxy')
  await called(command, ['-c', '-f', file])
  const ready = { check: () => isListening(port) }
  // Into a file: a line for which a pipe has no room just then is dropped.
  const log = join(folder, 'log')
  const args = ['-c', 'exec "$0" "$@" > "$LOG"', command, '-db', '-f', file]
  const program = await startProgram(owner, { command: 'sh', args, env: { LOG: log }, ready })
  return { program, port, file, command: line => told(socket, line), log: () => readFile(log, 'latin1') }
}

/** Starts nginx, likewise. */
export async function startNginx(owner: Owner, configuration: string, port: number): Promise<Balancer> {
  const folder = await tempDirectory(owner, 'nginx')
  const file = join(folder, 'nginx.conf')
  const debian = {
    'user www-data;\n': 'daemon off;\nuser root;\n',
    'modules/ngx_stream_module.so': unpacked('nginx', 'usr/lib/nginx/modules/ngx_stream_module.so'),
    '/run/nginx.pid': join(folder, 'nginx.pid'),
    '/var/log/nginx': folder,
    'worker_rlimit_nofile 65536;': '',
    'worker_connections 20000': 'worker_connections 1000',
  }
  await writeFile(file, adapted(configuration, debian))
  const command = unpacked('nginx', 'usr/sbin/nginx')
  const args = ['-e', 'stderr', '-p', folder, '-c', file]
  await called(command, ['-t', ...args])
  const ready = { check: () => isListening(port) }
  return { program: await startProgram(owner, { command, args, ready }), port, file }
}

async function called(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(command, args)
  if (code !== 0) throw new Error(output)
}

/** By the kernel's table (proc(5): st 0A is LISTEN), as a connection would reach a gate behind, and look like a client. */
async function isListening(port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(name => readFile(name, 'latin1')))
  return tables.some(table => new RegExp(`:${hex} [0-9A-F]+:0000 0A `).test(table))
}

async function told(socket: string, line: string): Promise<string> {
  const connection = connect(socket)
  connection.write(`${line}\n`)
  return text(connection)
}
