// A root directory for a server that is not installed: its package's files, the libraries and programs that it calls, users of its
// own, as chroot(8) takes it. What such a server has compiled in, /etc/exim4 or /var/spool/smtpd and the names of users, is
// then where it looks, several run at a time, and nothing of this machine is changed.
//
// Mounting namespaces with an overlay of this machine's files were not used: containers may forbid mounting and allow chroot(2).

import { execFileSync } from 'node:child_process'
import { chmod, chown, cp, mkdir, realpath, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Owner, tempDirectory } from './owner.ts'

interface ServerRootOptions {
  /** The tree of its package, as `unpacked()` names it. */
  readonly tree: string
  /** Programs of that tree that are run, by their paths in it: their libraries are brought along. */
  readonly programs: readonly string[]
  /** Programs of this machine that it calls, by their absolute paths: `/bin/sh`. */
  readonly calls?: readonly string[]
  /** Its users by name, with their numbers, which are those of their groups too; root and nobody are there. */
  readonly users: Readonly<Record<string, number>>
}

/** The number of the user and group `nobody` in these roots. */
export const nobody = 65_534

/** Makes the directory, gone with all it holds when its owner ends. Needs root, as chroot(8) does. */
export async function makeServerRoot(owner: Owner, name: string, options: ServerRootOptions): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error(`${name} can only be started by root: run these tests as root`)
  const root = await tempDirectory(owner, name)
  const { tree, programs, calls = [] } = options
  await cp(tree, root, { recursive: true, verbatimSymlinks: true, filter: path => !path.includes('/usr/share/doc') })
  const sources = [...programs.map(program => join(tree, program)), ...calls]
  for (const file of new Set([...sources.flatMap(librariesOf), ...calls])) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await cp(await realpath(file), join(root, file))
  }
  for (const directory of ['dev', 'etc', 'run', 'tmp', 'var/log']) {
    await mkdir(join(root, directory), { recursive: true })
  }
  await chmod(join(root, 'tmp'), 0o1777)
  // Devices of no other power than those that every process has (null(4), random(4)).
  for (const [device, minor] of [['null', '3'] as const, ['random', '8'] as const, ['urandom', '9'] as const]) {
    execFileSync('mknod', ['-m', '666', join(root, 'dev', device), 'c', '1', minor])
  }
  await writeUsers(root, { root: 0, ...options.users, nobody })
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
  // Nothing answers there: no question leaves this machine, and none is waited for.
  await writeFile(join(root, 'etc/resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  return root
}

async function writeUsers(root: string, users: Readonly<Record<string, number>>): Promise<void> {
  const lines = (line: (name: string, id: number) => string): string =>
    Object.entries(users)
      .map(([name, id]) => `${line(name, id)}\n`)
      .join('')
  await writeFile(
    join(root, 'etc/passwd'),
    lines((name, id) => `${name}:x:${id}:${id}::/:/bin/sh`),
  )
  await writeFile(
    join(root, 'etc/group'),
    lines((name, id) => `${name}:x:${id}:`),
  )
}

/** Makes a directory of that root, and those above it, with this owner and mode. */
export async function makeDirectory(root: string, path: string, id = 0, mode = 0o755): Promise<void> {
  const directory = join(root, path)
  await mkdir(directory, { recursive: true })
  await chown(directory, id, id)
  // mkdir's own mode is cut by the umask.
  await chmod(directory, mode)
}

function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
}
