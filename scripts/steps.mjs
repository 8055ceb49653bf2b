// What `npm start`, `npm test` and the long runs have in common. Node's own modules only: it runs before anything is installed.

import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Ends with 1 where Node is too old to run what is compiled here. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  process.stderr.write(`sallyport needs Node 20.19 or later; this is ${process.versions.node} (${process.execPath}).\n`)
  process.exit(1)
}

/** A step that failed, in words for the user; no stack belongs to it. */
export class StepFailed extends Error {}

/** Does one step after another, one line each with its seconds on `stream`; the first that fails ends the process with 1. */
export function stepper(name, stream) {
  return async (title, work) => {
    const started = performance.now()
    stream.write(`${name}: ${title} … `)
    try {
      const outcome = await work()
      stream.write(`${outcome ?? 'ok'} (${((performance.now() - started) / 1_000).toFixed(1)} s)\n`)
    } catch (error) {
      stream.write(`failed (${((performance.now() - started) / 1_000).toFixed(1)} s)\n`)
      process.stderr.write(`${error instanceof StepFailed ? error.message : error.stack}\n`)
      process.exit(1)
    }
  }
}

/** Runs a program to its end; what it wrote is shown only if it fails. */
export async function quietly(command, args, env = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  child.stdout.on('data', octets => output.push(octets))
  child.stderr.on('data', octets => output.push(octets))
  const outcome = await new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  if (outcome !== 0) {
    throw new StepFailed(`${Buffer.concat(output).toString()}${[command, ...args].join(' ')} ended with ${outcome}`)
  }
}

/** A development tool's command, from the installed packages. */
export function tool(name) {
  return join(root, 'node_modules', '.bin', name)
}

/** Whether a command of this name is there to be run; system programs need not be in a user's path. */
export function isInstalled(command) {
  return systemPath()
    .split(':')
    .some(directory => {
      try {
        accessSync(join(directory, command), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

export function systemPath() {
  return `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
}

/** Installs the npm packages if they are missing or older than package-lock.json. */
export async function installPackages() {
  const locked = modified('package-lock.json')
  const installed = modified('node_modules/.package-lock.json')
  if (installed !== undefined && (locked === undefined || locked <= installed)) return 'up to date'
  // Even where NODE_ENV says production: the compiler is among the development packages.
  await quietly('npm', [locked === undefined ? 'install' : 'ci', '--include=dev', '--no-audit', '--no-fund'])
  return 'installed'
}

function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs
}
