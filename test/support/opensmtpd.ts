// A private OpenSMTPD: Debian's real daemon with the configuration of deploy/backends/opensmtpd, its port apart.

import { chmod, chown, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Owner } from './owner.ts'
import { freePort } from './port.ts'
import { RootedServer } from './rooted-server.ts'
import { makeDirectory, makeServerRoot } from './server-root.ts'
import { unpacked } from './unpacked.ts'

/** The configuration that it runs with, as seen from test/dist/support/. */
const shipped = resolve(import.meta.dirname, '../../../deploy/backends/opensmtpd/smtpd.conf')

/** Any numbers do that are not root's: they exist in its root directory only. */
const users = { opensmtpd: 64_991, opensmtpq: 64_992, mail: 8 }

interface OpenSmtpdOptions {
  /** What is changed in the shipped configuration, besides the port. */
  readonly edit?: (configuration: string) => string
}

/** Starts a private OpenSMTPD. `user@example.net` and `other@example.net` have mailboxes. */
export async function startOpenSmtpd(owner: Owner, options: OpenSmtpdOptions = {}): Promise<RootedServer> {
  const { edit = (text: string) => text } = options
  const tree = unpacked('opensmtpd')
  const programs = ['usr/sbin/smtpd', 'usr/sbin/smtpctl', 'usr/libexec/opensmtpd/mail.maildir']
  // It has its delivery programs called by a shell.
  const root = await makeServerRoot(owner, 'opensmtpd', { tree, programs, calls: ['/bin/sh'], users })
  // It enters the first (chroot(2)) and makes its queue in the second.
  await makeDirectory(root, 'var/lib/opensmtpd/empty')
  await makeDirectory(root, 'var/spool/smtpd', 0, 0o711)
  await makeDirectory(root, 'var/run')
  await makeDirectory(root, 'var/mail', users.mail)
  const port = await freePort()
  // Without the group of its queue it does nothing.
  const control = join(root, 'usr/sbin/smtpctl')
  await chown(control, 0, users.opensmtpq)
  await chmod(control, 0o2755)
  const configuration = (await readFile(shipped, 'utf8')).replaceAll('10025', `${port}`)
  await writeFile(join(root, 'etc/smtpd.conf'), edit(configuration), { mode: 0o640 })
  const openSmtpd = new RootedServer(owner, {
    root,
    // -d is the daemon in the foreground, with its log on stderr.
    command: ['/usr/sbin/smtpd', '-d'],
    port,
    logFile: null,
    mail: 'var/mail',
  })
  await openSmtpd.start()
  return openSmtpd
}
