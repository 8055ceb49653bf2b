import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

// Debian has promtool only inside its package `prometheus`, which would install and start a server of 96 MB. So the package is
// downloaded and the one program taken out of it. It is kept under var/ and not in the common temporary directory, where
// another user could put a program for us to run.

const run = promisify(execFile)
const cache = resolve(import.meta.dirname, '../../../var/cache/promtool')
const kept = resolve(cache, 'promtool')

/**
 * The path of a promtool that runs: that of PATH, or the one kept from before, or, as root on Debian, one taken from the
 * package mirror now. Where none of these can be, throws an error which names the command that helps.
 */
export async function promtool(): Promise<string> {
  for (const candidate of ['promtool', kept]) if (await runs(candidate)) return candidate
  if (process.getuid?.() !== 0 || !(await exists('/etc/debian_version'))) {
    throw new Error('promtool is missing: apt-get install prometheus')
  }
  try {
    await takeFromPackage()
  } catch (cause) {
    throw new Error('promtool could not be taken from its package: apt-get update && apt-get install prometheus', {
      cause,
    })
  }
  return kept
}

async function takeFromPackage(): Promise<void> {
  await mkdir(cache, { recursive: true })
  const directory = await mkdtemp(resolve(cache, 'download-'))
  try {
    await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', 'prometheus'], { cwd: directory })
    const archive = (await readdir(directory)).find(name => name.endsWith('.deb')) ?? 'prometheus.deb'
    const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x ./usr/bin/promtool'
    await run('sh', ['-c', unpack, 'sh', archive], { cwd: directory })
    await rename(resolve(directory, 'usr/bin/promtool'), kept)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function runs(file: string): Promise<boolean> {
  try {
    await run(file, ['--version'])
    return true
  } catch {
    return false
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch {
    return false
  }
}
