import { Resolver } from 'node:dns'

/** Sessions that share one look-up: a client may come and go thousands of times while the DNS thinks. */
export const mostHearers = 1000

/**
 * A resolver of our own, so that its servers and waits are not everybody's. It speaks DNS over the network and nothing else:
 * dns.lookup would ask in a pool of four threads, where one slow zone holds up all others, and reads /etc/hosts.
 *
 * `wait` is for one question in all, so each server gets its share of it; there is no second try, which would come too late.
 * The result may still come up to a second late (Node looks at its DNS timers once a second): the asker needs a deadline.
 */
export function makeResolver(servers: readonly string[], wait: number): Resolver {
  const known = new Resolver()
  if (servers.length > 0) known.setServers(servers)
  const share = Math.max(1, Math.floor(wait / Math.max(1, known.getServers().length)))
  const resolver = new Resolver({ timeout: share, tries: 1 })
  if (servers.length > 0) resolver.setServers(servers)
  return resolver
}

/** Whether the DNS said that there is no such name or no such record. Every other error says nothing about the name. */
export function isAbsent(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOTFOUND' || error.code === 'ENODATA'
}
