// A client that holds one dialogue and keeps every reply with what it answered.

import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Script, Turn } from './script.ts'

/** What the server said at one turn. */
export interface Exchange {
  /** The rows that the client's write was made of, `tls`, `wait` or `end`; `(connected)` for the greeting. */
  readonly told: readonly string[]
  /** Each whole reply, with its CRLFs, as latin1; a last piece that is none stands as it is. */
  readonly replies: readonly string[]
  /** The server closed before it had said as much as was awaited, or, at the end, in order. */
  readonly closed: boolean
}

export interface Where {
  readonly port: number
  /** The client's own address, in 127/8. */
  readonly address: string
}

/** How long one reply may take; what is not answered by then fails the test. */
const patienceMs = 10_000

/** Holds the dialogue to its end, or until the server has closed. Rejects when a reply is awaited that does not come. */
export async function hold({ sentence, turns }: Script, where: Where): Promise<readonly Exchange[]> {
  const line = new Line(where)
  try {
    const exchanges = [await line.hear(['(connected)'], 1)]
    for (const turn of turns) {
      if (exchanges.at(-1)?.closed === true) return exchanges
      exchanges.push(await line.take(turn))
    }
    if (exchanges.at(-1)?.closed === true) return exchanges
    return [...exchanges, await line.leave()]
  } catch (error) {
    throw new Error(`${sentence}: as ${where.address}`, { cause: error })
  } finally {
    line.destroy()
  }
}

class Line {
  private socket: Socket
  private heard = ''
  private isOver = false
  private wake: () => void = () => undefined

  constructor({ port, address }: Where) {
    this.socket = connectSocket({ port, host: '127.0.0.1', localAddress: address, noDelay: true })
    this.listen()
  }

  async take(turn: Turn): Promise<Exchange> {
    switch (turn.kind) {
      case 'write':
        this.socket.write(turn.octets)
        return this.hear(turn.told, turn.replies)
      case 'wait':
        return this.hear([`wait ${turn.replies}`], turn.replies)
      case 'tls':
        await this.secure()
        return { told: ['tls'], replies: [], closed: this.isOver }
      case 'end':
        this.socket.end()
        return { told: ['end'], replies: [], closed: false }
      default:
        return turn satisfies never
    }
  }

  async hear(told: readonly string[], count: number): Promise<Exchange> {
    const replies: string[] = []
    while (replies.length < count) {
      const reply = await this.next()
      if (reply === null) break
      replies.push(reply)
    }
    return { told, replies, closed: replies.length < count }
  }

  /** Closes the client's half and hears the rest, to the end. */
  async leave(): Promise<Exchange> {
    this.socket.end()
    const { replies } = await this.hear([], Number.POSITIVE_INFINITY)
    return { told: ['(left)'], replies, closed: true }
  }

  destroy(): void {
    this.socket.destroy()
  }

  private listen(): void {
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.heard += text
      this.wake()
    })
    const over = (): void => {
      this.isOver = true
      this.wake()
    }
    // What comes of a write to a server that has closed is an end like any other.
    this.socket.on('end', over).on('error', over).on('close', over)
  }

  private async secure(): Promise<void> {
    this.socket.removeAllListeners('data')
    const plain = this.socket
    const secured = connectTls({ socket: plain, rejectUnauthorized: false })
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve)
      secured.once('error', reject)
    })
    this.socket = secured
    this.listen()
  }

  /** The next whole reply; null: the server has closed, and nothing is left. */
  private async next(): Promise<string | null> {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*(?!\d{3}-)[^\n]*\n/.exec(this.heard)?.[0]
      if (whole !== undefined) {
        this.heard = this.heard.slice(whole.length)
        return whole
      }
      if (this.isOver) {
        const rest = this.heard
        this.heard = ''
        return rest === '' ? null : rest
      }
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`no reply in ${patienceMs} ms; heard ${JSON.stringify(this.heard)}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
