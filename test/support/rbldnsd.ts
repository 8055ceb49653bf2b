// A real DNS blocklist server with the zones a test gives it.

import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Owner, tempDirectory } from './owner.ts'
import { freePort } from './port.ts'
import { type Program, startProgram } from './process.ts'

interface Rbldnsd {
  readonly port: number
  /** As a resolver's server is written: `127.0.0.1:port`. */
  readonly server: string
  stop(): Promise<void>
  /** Again, on the same port, with the same zones. */
  start(): Promise<void>
}

/**
 * Starts rbldnsd for `zones`: each zone's lines in rbldnsd's ip4set form (`192.0.2.7 :127.0.0.2:Listed`), or its ip6trie form for
 * IPv6 (`2001:db8::7 :127.0.0.2:Listed`). Listings hold for `ttl` seconds (rbldnsd's own default). What is not listed is answered NXDOMAIN with a SOA, zones not given are refused.
 */
export async function startRbldnsd(
  owner: Owner,
  zones: Readonly<Record<string, readonly string[]>>,
  ttl = 2100,
): Promise<Rbldnsd> {
  const directory = await tempDirectory(owner, 'rbldnsd')
  const port = await freePort('udp')
  const specifications: string[] = []
  for (const [zone, entries] of Object.entries(zones)) {
    for (const [type, lines] of [
      ['ip4set', entries.filter(line => !isIPv6(line))],
      ['ip6trie', entries.filter(isIPv6)],
    ] as const) {
      if (type === 'ip6trie' && lines.length === 0) continue
      const name = `${zone}.${type}`
      // rbldnsd gives no SOA by itself, and without one a negative answer says nothing of how long it holds.
      const soa = type === 'ip4set' ? [`$SOA 300 ns.${zone} hostmaster.${zone} 0 600 300 86400 120`] : []
      await writeFile(join(directory, name), [...soa, ...lines, ''].join('\n'))
      await chmod(join(directory, name), 0o644)
      specifications.push(`${zone}:${type}:${name}`)
    }
  }
  // As root it gives up its rights to a user, which must exist; the Debian package makes `rbldns`.
  const user = process.getuid?.() === 0 ? ['-u', 'rbldns'] : []
  let program: Program | undefined
  const start = async (): Promise<void> => {
    program = await startProgram(owner, {
      command: 'rbldnsd',
      args: ['-n', ...user, '-w', directory, '-b', `127.0.0.1/${port}`, '-t', `${ttl}`, ...specifications],
      directory,
      ready: { line: /\bstarted\b/ },
    })
  }
  const stop = async (): Promise<void> => {
    await program?.stop()
    program = undefined
  }
  await start()
  return { port, server: `127.0.0.1:${port}`, start, stop }
}

function isIPv6(line: string): boolean {
  return /^!?[0-9a-f]{1,4}:[0-9a-f:]*/i.test(line)
}
