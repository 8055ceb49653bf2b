// A private Sendmail: the daemon, m4 files and access map of Debian's packages in a root directory of its own, on ports of its own.
//
// Its log needs no syslog: debugging level 89.8 writes each line to the file that -D names (sm_syslog() in sendmail/conf.c). The
// other road, a /dev/log in that root, needs a reader of datagrams, which Node does not have.

import { appendFile, chmod, copyFile, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awaitedLine, awaitedMessages, logIn } from './awaited.ts'
import { messagesBelow } from './maildirs.ts'
import type { Owner } from './owner.ts'
import { freePort } from './port.ts'
import { type Finished, type Program, run, startProgram } from './process.ts'
import { makeDirectory, makeServerRoot } from './server-root.ts'
import { unpacked } from './unpacked.ts'

interface SendmailOptions {
  /** Appended to the access map that Debian ships. */
  readonly access?: string
}

export interface Sendmail {
  readonly ports: {
    /** The daemon MTA-v4, as Debian ships it. */
    readonly plain: number
    /** Free for a daemon of the test's own. */
    readonly gate: number
  }
  /** Its root directory, with `etc/mail/sendmail.mc` and `etc/mail/sendmail.cf`. */
  readonly directory: string
  /** The whole log so far. */
  log(): Promise<string>
  /** The first line of the log that matches; rejects with the log's end after `waitMs` (20,000). */
  waitForLog(pattern: RegExp, waitMs?: number): Promise<string>
  /** Every message delivered so far, as it was given to the local mailer, in the order of delivery. */
  messages(): Promise<string[]>
  /** The same, once there are at least `count`; rejects with the log's end after `waitMs` (20,000). */
  waitForMessages(count: number, waitMs?: number): Promise<string[]>
  /** Runs a shell script as root in its root directory, where `sendmail`, `m4` and `cat` are; what it wrote, both streams. */
  run(script: string): Promise<Finished>
  /** The daemon and all it started are gone and the ports are closed when it resolves. */
  stop(): Promise<void>
  /** Again, on the same ports, with the same queue and log. */
  start(): Promise<void>
}

/** The domain that a private Sendmail delivers for; `user`, `other` and `postmaster` are there. */
export const localDomain = 'example.test'

const daemon = '/usr/libexec/sendmail/sendmail'
const logFile = 'var/log/mail.log'

/** Starts a private Sendmail, ready to be spoken to. Needs root, as Sendmail does. */
export async function startSendmail(owner: Owner, options: SendmailOptions = {}): Promise<Sendmail> {
  const ports = { plain: await freePort(), gate: await freePort() }
  const directory = await makeServerRoot(owner, 'sendmail', {
    tree: unpacked('sendmail'),
    programs: ['usr/libexec/sendmail/sendmail', 'usr/libexec/sendmail/makemap'],
    // The last ones are those of the m4 files of Sendmail.
    calls: ['/bin/sh', '/bin/cat', '/bin/mv', '/usr/bin/m4', '/bin/date', '/bin/rm', '/bin/sed', '/bin/uname'],
    users: { mail: 8, smmta: 120, smmsp: 121, user: 1_001, other: 1_002, postmaster: 1_003 },
  })
  await makeDirectories(directory)
  await writeConfiguration(directory, ports.plain, options.access ?? '')
  const sendmail = new PrivateSendmail(owner, directory, ports)
  await sendmail.start()
  return sendmail
}

class PrivateSendmail implements Sendmail {
  readonly directory: string
  readonly ports: Sendmail['ports']
  readonly #owner: Owner
  #program: Program | undefined

  constructor(owner: Owner, directory: string, ports: Sendmail['ports']) {
    this.#owner = owner
    this.directory = directory
    this.ports = ports
  }

  async start(): Promise<void> {
    this.#program = await startProgram(this.#owner, {
      command: 'chroot',
      args: [this.directory, daemon, '-D', `/${logFile}`, '-d89.8', '-bD'],
      ready: { check: () => this.#listens() },
      log: () => this.log(),
    })
  }

  /**
   * Whether all its ports do: it writes its log line and its process id before it opens them. Connecting to find out would leave
   * connections in the log that no test made; so the kernel is asked (proc(5): st 0A is LISTEN).
   */
  async #listens(): Promise<boolean> {
    const cf = await readFile(join(this.directory, 'etc/mail/sendmail.cf'), 'utf8')
    const ports = [...cf.matchAll(/^O DaemonPortOptions=.*Port=(\d+)/gm)].map(([, port]) => Number(port))
    const sockets = await readFile('/proc/net/tcp', 'latin1')
    const listening = new Set(
      [...sockets.matchAll(/:([0-9A-F]{4}) \S+ 0A /g)].map(([, hex = '']) => Number.parseInt(hex, 16)),
    )
    return ports.every(port => listening.has(port))
  }

  run(script: string): Promise<Finished> {
    return runIn(this.directory, script)
  }

  async stop(): Promise<void> {
    await this.#program?.stop()
    this.#program = undefined
  }

  log(): Promise<string> {
    return logIn(join(this.directory, logFile))
  }

  waitForLog(pattern: RegExp, waitMs?: number): Promise<string> {
    return awaitedLine(this, pattern, waitMs)
  }

  messages(): Promise<string[]> {
    // All of them are in one folder, var/mail/new, whoever they are for.
    return messagesBelow(join(this.directory, 'var'))
  }

  waitForMessages(count: number, waitMs?: number): Promise<string[]> {
    return awaitedMessages(this, count, waitMs)
  }
}

/** What the packages' scripts make when they are installed. */
async function makeDirectories(directory: string): Promise<void> {
  for (const path of ['var/run/sendmail/mta', 'var/lib/sendmail/host_status', 'etc/mail']) {
    await makeDirectory(directory, path)
  }
  await makeDirectory(directory, 'var/spool/mqueue', 0, 0o700)
  await makeDirectory(directory, 'var/mail/new', 0, 0o777)
  await makeDirectory(directory, 'var/mail/tmp', 0, 0o777)
  // The local mailer of Debian's configuration; its own package is not here.
  const mailer = join(directory, 'usr/sbin/sensible-mda')
  await writeFile(mailer, '#!/bin/sh\ncat > /var/mail/tmp/$$ && mv /var/mail/tmp/$$ "/var/mail/new/$2.$$"\n')
  await chmod(mailer, 0o755)
  await symlink(daemon, join(directory, 'usr/sbin/sendmail'))
}

async function writeConfiguration(directory: string, plain: number, access: string): Promise<void> {
  const mail = join(directory, 'etc/mail')
  const shipped = await readFile(join(directory, 'usr/share/sendmail/cf/debian/sendmail.mc'), 'utf8')
  const submission = /^DAEMON_OPTIONS\(.*Port=submission.*\n/m
  const mc = shipped.replace('Port=smtp, Addr=127.0.0.1', `Port=${plain}, Addr=127.0.0.1`).replace(submission, '')
  await writeFile(join(mail, 'sendmail.mc'), mc.replace('MAILER_DEFINITIONS\n', `${site}MAILER_DEFINITIONS\n`))
  for (const name of ['dialup.m4', 'provider.m4']) await writeFile(join(mail, 'm4', name), '')
  // As Debian has it for hosts without DNS: no question leaves this machine.
  await copyFile(join(mail, 'service.switch-nodns'), join(mail, 'service.switch'))
  await writeFile(join(mail, 'local-host-names'), `${localDomain}\n`)
  await copyFile(join(directory, 'usr/share/sendmail/examples/db/access'), join(mail, 'access'))
  await appendFile(join(mail, 'access'), access)
  await writeFile(join(mail, 'aliases'), '')
  const script = ['cd /etc/mail', 'm4 sendmail.mc > sendmail.cf', 'makemap hash access < access', 'sendmail -bi']
  const made = await runIn(directory, script.join('\n'))
  if (made.code !== 0 || made.stderr !== '') throw new Error(`sendmail.cf: ${made.code}: ${made.output}`)
}

function runIn(directory: string, script: string): Promise<Finished> {
  return run('chroot', [directory, '/bin/sh', '-ec', `PATH=/usr/sbin:/usr/bin:/bin\n${script}`])
}

/** What differs from what Debian ships: a name, and senders in domains that no DNS is asked for. */
const site = `define(\`confDOMAIN_NAME', \`mail.${localDomain}')dnl
FEATURE(\`accept_unresolvable_domains')dnl
`
