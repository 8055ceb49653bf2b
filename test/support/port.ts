// Free ports for the servers that tests start.
//
// Road not taken: binding port 0 and closing again. It hands out ephemeral ports, which the kernel may give to any outgoing
// connection a moment later; a server that is stopped and started again under traffic would then now and then find its own
// port taken by one of its clients. Ports below the ephemeral range are given to nobody who does not ask for them by number.
//
// Nor any such port that is free: of the files that run at the same time two would now and then choose the same one before either
// has bound it. Each process takes its ports from blocks that are its own, by a UDP socket on the first port of each.

import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const lowest = 10_000
/** Linux hands out ephemeral ports from 32768 on, other systems from 49152. */
const highest = 32_767
const blockSize = 32
const attempts = 200

/** What is left of this process's latest block. */
const block: number[] = []
/** The blocks are taken one after the other. */
let taking: Promise<void> = Promise.resolve()

/** A port on 127.0.0.1 to which nothing is bound now; never the same twice in one process, nor in two at a time. */
export async function freePort(transport: 'tcp' | 'udp' = 'tcp'): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = await nextPort()
    if (await (transport === 'tcp' ? bindsTcp(port) : bindsUdp(port))) return port
  }
  throw new Error(
    `no free ${transport} port found on 127.0.0.1 in ${attempts} attempts between ${lowest} and ${highest}`,
  )
}

async function nextPort(): Promise<number> {
  if (block.length === 0) {
    taking = taking.then(takeBlock)
    await taking
  }
  return block.pop() ?? nextPort()
}

/** The socket that marks a block is closed with the process, however that ends. */
async function takeBlock(): Promise<void> {
  while (block.length === 0) {
    const first = lowest + blockSize * randomInt(Math.floor((highest + 1 - lowest) / blockSize))
    const mark = createSocket('udp4').unref()
    const isOurs = await new Promise<boolean>(resolve => {
      mark.once('error', () => resolve(false))
      mark.bind(first, '127.0.0.1', () => resolve(true))
    })
    if (isOurs) block.push(...Array.from({ length: blockSize - 1 }, (_, i) => first + 1 + i))
    else mark.close()
  }
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
