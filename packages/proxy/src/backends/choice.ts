import type { Instant } from '@sallyport/rules'
import type { Picking } from '../config/config.ts'
import type { Server } from './server.ts'

/** A server's place in a group. */
export interface Member {
  readonly server: Server
  readonly weight: number
  /** What it has coming to it: whoever has most is next. */
  credit: number
}

/**
 * The server for a session that has tried some already. `full`: there are some to try, and each has as many connections as it
 * may; `none`: there is none left to try.
 *
 * Healthy servers come first. Where none is left the one whose trouble is longest ago is tried all the same: better a 451 after
 * a try than without one.
 */
export function choose(
  members: readonly Member[],
  picking: Picking,
  tried: readonly Server[],
  now: Instant,
): Server | 'full' | 'none' {
  const untried = members.filter(({ server }) => !tried.includes(server))
  if (untried.length === 0) return 'none'
  const healthy = untried.filter(({ server }) => server.isHealthy(now))
  const free = (healthy.length > 0 ? healthy : untried).filter(({ server }) => server.hasRoom)
  if (free.length === 0) return 'full'
  if (healthy.length === 0) return longestAgo(free)
  return picking === 'order' ? inOrder(free, now) : byWeight(free, now)
}

function longestAgo(members: readonly Member[]): Server | 'none' {
  let best: Server | null = null
  for (const { server } of members) {
    if (best === null || server.troubledAt < best.troubledAt) best = server
  }
  return best ?? 'none'
}

/** One that has just come back is passed over, but for its share. */
function inOrder(members: readonly Member[], now: Instant): Server | 'none' {
  for (const member of members) {
    const share = member.server.share(now)
    member.credit = share < 1 ? member.credit + share : 1
    if (member.credit < 1) continue
    member.credit -= 1
    return member.server
  }
  return members[0]?.server ?? 'none'
}

/**
 * Smooth weighted round robin, as nginx has it: each gains its weight, the richest is chosen and pays what all have gained. So a
 * server of weight 5 beside one of weight 1 is not asked five times in a row. Not taken: dice, which need thousands of sessions
 * to be fair.
 */
function byWeight(members: readonly Member[], now: Instant): Server | 'none' {
  let best: Member | null = null
  let total = 0
  for (const member of members) {
    const gain = member.weight * member.server.share(now)
    total += gain
    member.credit += gain
    if (best === null || member.credit > best.credit) best = member
  }
  if (best === null) return 'none'
  best.credit -= total
  return best.server
}
