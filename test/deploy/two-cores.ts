// Two gates that accept on one port, as deploy/systemd has them on a machine of several cores.

import { adapted } from '../support/balancer.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import type { RedisServer } from '../support/redis.ts'
import type { Sink } from '../support/sink.ts'
import { textOf } from './files.ts'

/** The recipe's own configuration, with these servers behind. */
export async function coresSettings(sink: Sink, redis: RedisServer): Promise<string> {
  return adapted(await textOf('deploy/systemd/sallyport.cores.yaml'), {
    '127.0.0.1:10025': `127.0.0.1:${sink.port}`,
    '127.0.0.1:6379': `127.0.0.1:${redis.port}`,
  })
}

/** Starts them, each under the name that is also the port of its metrics. `socket`: the one that both are handed, as by systemd. */
export async function startPair(
  owner: Owner,
  settings: string,
  socket?: number,
  names?: readonly [number, number],
): Promise<readonly [RunningGate, RunningGate]> {
  const [first, second] = names ?? [await freePort(), await freePort()]
  const start = (name: number) => {
    const env = { INSTANCE: `${name}` }
    return startGate(owner, `${settings}\ngreet: { wait: 300ms }`, { env, ...(socket === undefined ? {} : { socket }) })
  }
  return Promise.all([start(first), start(second)])
}
