// The real servers and tools that the tests start: found, or installed where we may.

import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { isInstalled, quietly, StepFailed } from './steps.mjs'

/** Each command that the tests call, and the Debian package that brings it. */
const packages = {
  postfix: 'postfix',
  'smtp-source': 'postfix',
  'redis-server': 'redis-server',
  rbldnsd: 'rbldnsd',
  swaks: 'swaks',
  msmtp: 'msmtp',
  curl: 'curl',
  m4: 'm4',
  'systemd-analyze': 'systemd',
  openssl: 'openssl',
  'docker-compose': 'docker-compose',
}

/** Installs what is missing when we are root on Debian; otherwise fails with the command that does. */
export async function installServers() {
  const commands = Object.keys(packages)
  const missing = commands.filter(command => !isInstalled(command))
  if (missing.length === 0) return 'all there'
  const wanted = [...new Set(missing.map(command => packages[command]))]
  const install = ['install', '-y', '--no-install-recommends', ...wanted]
  const isDebian = existsSync('/etc/debian_version') && isInstalled('apt-get')
  if (!isDebian || process.getuid?.() !== 0) {
    throw new StepFailed(
      `The tests run against real servers, and these commands are missing: ${missing.join(', ')}.\n` +
        `${isDebian ? 'This installs them' : 'On Debian, this installs them'}:\n\n  sudo apt-get update && sudo apt-get ${install.join(' ')}\n`,
    )
  }
  const mayStartAgain = forbidStarting()
  try {
    await quietly('apt-get', ['update'])
    await quietly('apt-get', install, { DEBIAN_FRONTEND: 'noninteractive' })
  } finally {
    mayStartAgain()
  }
  const stillMissing = commands.filter(command => !isInstalled(command))
  if (stillMissing.length > 0) throw new StepFailed(`Installed, and still not found: ${stillMissing.join(', ')}`)
  return `installed ${wanted.join(', ')}`
}

const policy = '/usr/sbin/policy-rc.d'

/**
 * Debian's packages start their servers when they are installed, on the ports that they are known by; the tests start their own.
 * 101 is "action forbidden by policy" (invoke-rc.d(8)). A policy that is there already is the administrator's, and stays.
 */
function forbidStarting() {
  if (existsSync(policy)) return () => undefined
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const remove = () => rmSync(policy, { force: true })
  const leave = () => process.exit(130)
  process.once('exit', remove)
  process.once('SIGINT', leave)
  process.once('SIGTERM', leave)
  return () => {
    remove()
    process.off('exit', remove)
    process.off('SIGINT', leave)
    process.off('SIGTERM', leave)
  }
}
