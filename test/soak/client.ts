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

/** How it ended for a client. */
export interface Ending {
  /** Of the first reply that refused, else of the last; 0: it heard none. */
  readonly code: number
  /** That reply's last line without what is of one session alone; or how the connection ended where the dialogue was not over. */
  readonly words: string
}

/** Comes from this address, as a balancer at `balancer` brings it, and behaves in this manner; resolves once its connection is closed. */
export function converse(
  port: number,
  address: string,
  { early = '', lines, patience }: Manner,
  balancer = '127.0.0.1',
): Promise<Ending> {
  return new Promise(resolve => {
    const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: balancer, noDelay: true })
    socket.setEncoding('latin1')
    const rest = lines.values()
    let unread = ''
    let isOver = false
    let ending: Ending = { code: 0, words: '' }
    let trouble = 'closed'
    const late = setTimeout(() => {
      trouble = `gave up after ${patience / 1_000} s`
      socket.destroy()
    }, patience)
    socket.write(proxyLine(address) + early)
    socket.on('data', (text: string) => {
      unread += text
      const whole = /(?:^|\n)((\d{3}) [^\n]*?)\r?\n$/.exec(unread)
      if (whole === null) return
      unread = ''
      const [, words = '', code] = whole
      if (!isOver) ending = { code: Number(code), words: words.replace(/;? ?ref=\w+/, '') }
      // What is said after QUIT changes nothing.
      if (isOver) return
      const { value, done } = rest.next()
      isOver = done === true || ending.code >= 400
      if (!isOver) socket.write(`${value}\r\n`)
      else socket.end(ending.code >= 400 ? 'QUIT\r\n' : '')
    })
    socket.on('error', error => {
      trouble = error.message.replace(/ 127\.0\.0\.1:\d+/, '')
    })
    socket.on('close', () => {
      clearTimeout(late)
      resolve(isOver ? ending : { code: ending.code, words: `${trouble} behind ${ending.code}` })
    })
  })
}
