// A client that costs little: hundreds a second come from the process that measures.

import { connect, type Socket } from 'node:net'
import { proxyLine } from '../e2e/client.ts'

/** What a client does. */
export interface Manner {
  /** Said at once, before any greeting. */
  readonly early?: string
  /** Said one by one, each after a whole reply. */
  readonly lines: readonly string[]
  /** It hangs up after so long, ms. */
  readonly patience: number
}

/** Comes from this address, as a balancer brings it, and behaves in this manner; gives the code of the first reply that refuses, else of the last, once it is closed; 0 without any. */
export function converse(port: number, address: string, { early = '', lines, patience }: Manner): Promise<number> {
  return new Promise(resolve => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.setEncoding('latin1').setTimeout(patience, () => socket.destroy())
    const rest = lines.values()
    let unread = ''
    let code = 0
    const late = setTimeout(() => socket.destroy(), patience)
    socket.write(proxyLine(address) + early)
    socket.on('data', (text: string) => {
      unread += text
      const whole = /(?:^|\n)(\d{3}) [^\n]*\n$/.exec(unread)?.[1]
      if (whole === undefined) return
      unread = ''
      if (code < 400) code = Number(whole)
      const { value, done } = rest.next()
      if (done === true) socket.end()
      else if (code < 400) socket.write(`${value}\r\n`)
      else socket.end('QUIT\r\n')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(late)
      resolve(code)
    })
  })
}
