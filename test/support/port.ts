// Free ports for the servers that tests start.
//
// Road not taken: binding port 0 and closing again. It hands out ephemeral ports, which the kernel may give to any outgoing
// connection a moment later; a server that is stopped and started again under traffic would then now and then find its own
// port taken by one of its clients. Ports below the ephemeral range are given to nobody who does not ask for them by number.

import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const lowest = 10_000
/** Linux hands out ephemeral ports from 32768 on, other systems from 49152. */
const highest = 32_767
const attempts = 200

/** What this process was already given: nobody may have bound it yet. */
const given = new Set<number>()

/** A port on 127.0.0.1 to which nothing is bound now; never the same twice in one process. */
export async function freePort(transport: 'tcp' | 'udp' = 'tcp'): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(lowest, highest + 1)
    if (!given.has(port) && (await (transport === 'tcp' ? bindsTcp(port) : bindsUdp(port)))) {
      given.add(port)
      return port
    }
  }
  throw new Error(
    `no free ${transport} port found on 127.0.0.1 in ${attempts} attempts between ${lowest} and ${highest}`,
  )
}

function bindsTcp(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}

function bindsUdp(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
}
