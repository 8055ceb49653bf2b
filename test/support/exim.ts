// A private Exim: Debian's real daemon with the configuration of deploy/backends/exim, its port apart.

import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Owner } from './owner.ts'
import { freePort } from './port.ts'
import { RootedServer } from './rooted-server.ts'
import { makeDirectory, makeServerRoot } from './server-root.ts'
import { unpacked } from './unpacked.ts'

/** The configuration that it runs with, as seen from test/dist/support/. */
const shipped = resolve(import.meta.dirname, '../../../deploy/backends/exim/exim4.conf')

/** Any numbers do that are not root's: they exist in its root directory only. */
const users = { 'Debian-exim': 64_990, mail: 8 }

interface EximOptions {
  /** What is changed in the shipped configuration, besides the port. */
  readonly edit?: (configuration: string) => string
  /** Further arguments of the daemon: with `-q1s` it comes again with what it could not deliver. */
  readonly arguments?: readonly string[]
}

/** Starts a private Exim. `user@example.net` and `other@example.net` have mailboxes. */
export async function startExim(owner: Owner, options: EximOptions = {}): Promise<RootedServer> {
  const { edit = (text: string) => text } = options
  const tree = unpacked('exim')
  const root = await makeServerRoot(owner, 'exim', { tree, programs: ['usr/sbin/exim4'], users })
  for (const path of ['var/spool/exim4', 'var/log/exim4']) {
    await makeDirectory(root, path, users['Debian-exim'], 0o750)
  }
  await makeDirectory(root, 'var/mail', users.mail, 0o755)
  await makeDirectory(root, 'etc/exim4')
  const port = await freePort()
  const configuration = (await readFile(shipped, 'utf8')).replaceAll('10025', `${port}`)
  await writeFile(join(root, 'etc/exim4/exim4.conf'), edit(configuration))
  await writeFile(join(root, 'etc/exim4/mailboxes'), 'user: user\nother: other\n')
  const exim = new RootedServer(owner, {
    root,
    // -bdf is the daemon in the foreground; without -q it leaves what it cannot deliver at once in the queue.
    command: ['/usr/sbin/exim4', '-bdf', ...(options.arguments ?? [])],
    port,
    logFile: 'var/log/exim4/mainlog',
    mail: 'var/mail',
  })
  await exim.start()
  return exim
}
