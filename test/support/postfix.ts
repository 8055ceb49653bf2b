// A private Postfix: real daemons, own configuration, queue, log and mailboxes in a directory of its own, ports of its own.
//
// master(8) is started directly. The road by `postfix start` was not taken: it spends seconds in checks meant for an installed
// system and leaves a daemon behind that is nobody's child.

import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awaitedLine, awaitedMessages, logIn } from './awaited.ts'
import { messagesBelow } from './maildirs.ts'
import { type Owner, tempDirectory } from './owner.ts'
import { freePort } from './port.ts'
import { type Program, startProgram } from './process.ts'

interface PostfixOptions {
  /** Who has a mailbox; anybody else at `example.test` is answered 550 5.1.1. */
  readonly recipients?: readonly string[]
  /** Further lines of main.cf, by parameter; they win over ours. */
  readonly main?: Readonly<Record<string, string>>
}

export interface Postfix {
  readonly ports: {
    /** An smtpd that believes the socket. */
    readonly plain: number
    /** An smtpd that demands a PROXY header, v1 or v2, from everybody. */
    readonly proxy: number
    /** An smtpd that accepts XCLIENT from 127.0.0.1. */
    readonly xclient: number
  }
  /** Its directory, with `etc/main.cf` and `etc/master.cf`. */
  readonly directory: string
  /** The whole log so far. Lines of the three services are told apart as `plain/smtpd[…]`, `proxy/smtpd[…]`, `xclient/smtpd[…]`. */
  log(): Promise<string>
  /** The first line of the log that matches; rejects with the log's end after `waitMs` (20,000). */
  waitForLog(pattern: RegExp, waitMs?: number): Promise<string>
  /** Every message delivered so far as it lies in the Maildirs, in the order of delivery. */
  messages(): Promise<string[]>
  /** The same, once there are at least `count`; rejects with the log's end after `waitMs` (20,000). */
  waitForMessages(count: number, waitMs?: number): Promise<string[]>
  /** As `postfix stop`: every daemon is gone and the ports are closed when it resolves. */
  stop(): Promise<void>
  /** Again, on the same ports, with the same queue and log. */
  start(): Promise<void>
}

/** The domain that a private Postfix delivers for. */
export const localDomain = 'example.test'

const defaultRecipients = ['user', 'other', 'postmaster'].map(name => `${name}@${localDomain}`)

/** Starts a private Postfix, ready to be spoken to on all its ports. Needs root, as Postfix does. */
export async function startPostfix(owner: Owner, options: PostfixOptions = {}): Promise<Postfix> {
  if (process.getuid?.() !== 0) throw new Error('Postfix can only be started by root: run these tests as root')
  const directory = await tempDirectory(owner, 'postfix')
  const ports = { plain: await freePort(), proxy: await freePort(), xclient: await freePort() }
  await makeDirectories(directory)
  await writeConfiguration(join(directory, 'etc', 'main.cf'), mainCf(directory, options))
  await writeConfiguration(join(directory, 'etc', 'master.cf'), masterCf(ports))
  const postfix = new PrivatePostfix(owner, directory, ports)
  await postfix.start()
  return postfix
}

class PrivatePostfix implements Postfix {
  readonly directory: string
  readonly ports: Postfix['ports']
  readonly #owner: Owner
  #master: Program | undefined

  constructor(owner: Owner, directory: string, ports: Postfix['ports']) {
    this.#owner = owner
    this.directory = directory
    this.ports = ports
  }

  async start(): Promise<void> {
    // master(8) opens its services in the order of master.cf: when the last one's socket is there, all ports listen. Connecting
    // to find out would leave connections in the log that no test made.
    const last = join(this.directory, 'queue', 'public', lastService)
    await rm(last, { force: true })
    this.#master = await startProgram(this.#owner, {
      command: join(daemonDirectory(), 'master'),
      args: ['-c', join(this.directory, 'etc'), '-s'],
      // Until it has read its configuration, this is how master(8) knows where to log; else it would tell syslog.
      env: { POSTLOG_SERVICE: last, POSTLOG_HOSTNAME: 'mail' },
      ready: { check: () => exists(last) },
      log: () => this.log(),
    })
  }

  async stop(): Promise<void> {
    await this.#master?.stop()
    this.#master = undefined
  }

  log(): Promise<string> {
    return logIn(join(this.directory, 'maillog'))
  }

  waitForLog(pattern: RegExp, waitMs?: number): Promise<string> {
    return awaitedLine(this, pattern, waitMs)
  }

  async messages(): Promise<string[]> {
    return messagesBelow(join(this.directory, 'mail'))
  }

  waitForMessages(count: number, waitMs?: number): Promise<string[]> {
    return awaitedMessages(this, count, waitMs)
  }
}

function mainCf(directory: string, options: PostfixOptions): string {
  const recipients = options.recipients ?? defaultRecipients
  const parameters: Record<string, string> = {
    compatibility_level: '3.6',
    queue_directory: `${directory}/queue`,
    data_directory: `${directory}/data`,
    maillog_file: `${directory}/maillog`,
    maillog_file_prefixes: directory,
    inet_interfaces: 'loopback-only',
    inet_protocols: 'all',
    myhostname: `mail.${localDomain}`,
    mydestination: '',
    local_recipient_maps: '',
    alias_maps: '',
    // On purpose: whoever comes from loopback may relay, so a gate that hides its clients' addresses is an open relay here.
    mynetworks: '127.0.0.0/8',
    smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
    virtual_mailbox_domains: localDomain,
    virtual_mailbox_base: `${directory}/mail`,
    virtual_mailbox_maps: `inline:{ ${recipients.map(recipient => `{ ${recipient} = ${recipient}/ }`).join(' ')} }`,
    virtual_uid_maps: `static:${userId('nobody')}`,
    virtual_gid_maps: `static:${userId('nobody')}`,
    // Nothing leaves this machine: no DNS questions, and mail for elsewhere (bounces too) is thrown away.
    smtpd_peername_lookup: 'no',
    disable_dns_lookups: 'yes',
    default_transport: 'discard',
    // A service that fails to start is retried at once and not after a minute.
    service_throttle_time: '1s',
    ...options.main,
  }
  return lines(Object.entries(parameters).map(([name, value]) => `${name} = ${value}`))
}

/** The log's own service: as long as its socket is not there, master(8) writes why it cannot start to the log itself. */
const lastService = 'postlog'

function masterCf({ plain, proxy, xclient }: Postfix['ports']): string {
  return lines([
    // service type private unprivileged chroot wakeup maxproc command; no service is chrooted.
    `127.0.0.1:${plain} inet n - n - - smtpd -o syslog_name=plain`,
    `127.0.0.1:${proxy} inet n - n - - smtpd -o syslog_name=proxy -o smtpd_upstream_proxy_protocol=haproxy`,
    `127.0.0.1:${xclient} inet n - n - - smtpd -o syslog_name=xclient -o smtpd_authorized_xclient_hosts=127.0.0.1`,
    'pickup unix n - n 60 1 pickup',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'verify unix - - n - 1 verify',
    'proxymap unix - - n - - proxymap',
    'anvil unix - - n - 1 anvil',
    'virtual unix - n n - - virtual',
    'discard unix - - n - - discard',
    'smtp unix - - n - - smtp',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    `${lastService} unix-dgram n - n - 1 postlogd`,
  ])
}

/** Directories that `postfix check` would make, with the owners and modes of Postfix's own postfix-files. */
async function makeDirectories(directory: string): Promise<void> {
  const postfix = userId('postfix')
  const make = async (path: string, mode: number, uid: number): Promise<void> => {
    await mkdir(join(directory, path))
    await chown(join(directory, path), uid, 0)
    // mkdir's own mode is cut by the umask.
    await chmod(join(directory, path), mode)
  }
  for (const path of ['etc', 'queue', 'queue/pid']) await make(path, 0o755, 0)
  for (const name of ['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'maildrop']) {
    await make(`queue/${name}`, 0o700, postfix)
  }
  for (const name of ['private', 'public', 'saved', 'trace']) await make(`queue/${name}`, 0o700, postfix)
  await make('data', 0o700, postfix)
  await make('mail', 0o700, userId('nobody'))
}

/**
 * Every Postfix process that reads a file changed within the last second waits for it "to cool down"; a file that is a minute
 * old makes the start some two seconds faster.
 */
async function writeConfiguration(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  const minuteAgo = Date.now() / 1_000 - 60
  await utimes(file, minuteAgo, minuteAgo)
}

function lines(list: readonly string[]): string {
  return `${list.join('\n')}\n`
}

let knownDaemonDirectory: string | undefined

function daemonDirectory(): string {
  knownDaemonDirectory ??= execFileSync('postconf', ['-dh', 'daemon_directory'], { encoding: 'utf8' }).trim()
  return knownDaemonDirectory
}

const knownUserIds = new Map<string, number>()

/** The number of a user of this machine; throws where there is none of that name. */
export function userId(user: string): number {
  const id = knownUserIds.get(user) ?? Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }))
  knownUserIds.set(user, id)
  return id
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
