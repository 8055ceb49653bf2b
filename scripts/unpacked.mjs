// Programs whose packages cannot be installed here: unpacked, each with its packages in a folder of var/cache/unpacked.
//
// Only one mail server can be installed on a Debian, and that is Postfix; Prometheus' package would start one at each boot that writes
// to the disk for ever, and those of balancers would take port 80. Kept below var/ and not in the common temporary directory, where another user could put a program for us to run.
// test/support/unpacked.ts finds them there.

import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { backportsOptions } from './backports.mjs'
import { isInstalled, quietly, root, StepFailed } from './steps.mjs'

/**
 * Each folder: the Debian packages unpacked into it, a program that is there then, and whether an older Debian has them in its
 * backports only.
 */
const folders = {
  // The light daemon knows no PROXY protocol.
  exim: { packages: ['exim4-daemon-heavy'], program: 'usr/sbin/exim4' },
  opensmtpd: { packages: ['opensmtpd'], program: 'usr/sbin/smtpd' },
  sendmail: {
    packages: ['sendmail-bin', 'sendmail-base', 'sendmail-cf'],
    program: 'usr/libexec/sendmail/sendmail',
  },
  haproxy: { packages: ['haproxy'], program: 'usr/sbin/haproxy' },
  nginx: { packages: ['nginx', 'libnginx-mod-stream'], program: 'usr/sbin/nginx' },
  valkey: {
    packages: ['valkey-server', 'valkey-tools'],
    program: 'usr/bin/valkey-server',
    backports: true,
  },
  prometheus: { packages: ['prometheus'], program: 'usr/bin/prometheus' },
}

const cache = join(root, 'var', 'cache', 'unpacked')

/** The names of the packages of libraries that a folder's packages depend on, one a line: a file beside the folder. */
const librariesFile = name => join(cache, `${name}.libraries`)

/** Unpacks what is not there yet and installs the libraries that it lacks; where that cannot be, fails and says what is missing. */
export async function unpackServers() {
  const names = Object.keys(folders)
  const missing = names.filter(name => !existsSync(programOf(name)))
  if (missing.length > 0 && !(existsSync('/etc/debian_version') && isInstalled('apt-get'))) {
    throw new StepFailed(
      `The tests run against real servers from Debian's packages. Missing here: ${missing.join(', ')}`,
    )
  }
  for (const name of missing) await unpack(name)
  const lacking = names.filter(lacksLibraries)
  if (lacking.length > 0) await installLibraries(lacking)
  const broken = lacking.filter(lacksLibraries)
  if (broken.length > 0) throw new StepFailed(`Unpacked, and libraries are still missing: ${broken.join(', ')}`)
  return missing.length === 0 ? 'all there' : `unpacked ${missing.join(', ')}`
}

async function unpack(name) {
  const { packages, backports = false } = folders[name]
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'download-'))
  try {
    await download(packages, directory, backports)
    const tree = join(directory, 'tree')
    mkdirSync(tree)
    const archives = readdirSync(directory).filter(file => file.endsWith('.deb'))
    for (const archive of archives.map(file => join(directory, file))) {
      await quietly('dpkg-deb', ['--extract', archive, tree])
    }
    writeFileSync(librariesFile(name), librariesOf(archives.map(file => join(directory, file))).join('\n'))
    rmSync(join(cache, name), { recursive: true, force: true })
    renameSync(tree, join(cache, name))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function download(packages, directory, backports) {
  // The user _apt, as whom apt-get would download, may not write here; and apt-get writes where it stands.
  const options = ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...packages]
  const fetch = (known = []) => quietly('sh', ['-c', 'cd "$0" && exec apt-get "$@"', directory, ...known, ...options])
  try {
    await withFreshLists(fetch)
  } catch (error) {
    if (!backports) throw error
    await fetch(await backportsOptions(directory))
  }
}

async function installLibraries(names) {
  const libraries = [...new Set(names.flatMap(name => readFileSync(librariesFile(name), 'utf8').split('\n')))]
  const install = ['install', '-y', '--no-install-recommends', ...libraries]
  if (process.getuid?.() !== 0) {
    throw new StepFailed(
      `Libraries of ${names.join(', ')} are missing. This installs them:\n\n  sudo apt-get ${install.join(' ')}\n`,
    )
  }
  await withFreshLists(() => quietly('apt-get', install, { DEBIAN_FRONTEND: 'noninteractive' }))
}

/** Once more after `apt-get update`: a new machine has no lists of packages, and old lists name what the mirror has no more. */
async function withFreshLists(work) {
  try {
    await work()
  } catch {
    await quietly('apt-get', ['update'])
    await work()
  }
}

function programOf(name) {
  return join(cache, name, folders[name].program)
}

function lacksLibraries(name) {
  try {
    return execFileSync('ldd', [programOf(name)], { encoding: 'utf8', stdio: 'pipe' }).includes('not found')
  } catch {
    // ldd(1) fails for a program that needs no library.
    return false
  }
}

function librariesOf(archives) {
  return archives
    .flatMap(archive => execFileSync('dpkg-deb', ['-f', archive, 'Depends'], { encoding: 'utf8' }).split(','))
    .map(dependency => dependency.trim().split(/[ (|:]/)[0])
    .filter(dependency => dependency.startsWith('lib'))
}
