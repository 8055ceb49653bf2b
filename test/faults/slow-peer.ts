// A client that goes wrong on purpose: it reads as far as it must, and no further.

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { type Owner, undoAfter } from '../support/owner.ts'

export class SlowPeer {
  socket: Socket
  said = ''
  /** When the gate's side ended, `performance.now()`; 0: it has not. */
  endedAt = 0
  private wake = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    this.attend(socket)
  }

  private attend(socket: Socket): void {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.said += text
      this.wake()
    })
    socket.on('end', () => {
      this.endedAt ||= performance.now()
    })
    socket.on('close', () => {
      this.endedAt ||= performance.now()
      this.wake()
    })
    socket.on('error', () => {})
  }

  /** Begins TLS, at once or behind a STARTTLS that was taken. */
  async secure(): Promise<void> {
    const { socket } = this
    for (const event of ['data', 'end', 'close']) socket.removeAllListeners(event)
    const secured = connectTls({ socket, rejectUnauthorized: false })
    this.attend(secured)
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve)
      secured.once('close', () => reject(new Error('closed in the handshake')))
    })
  }

  /** Says a line, none for '', and waits for the end of a reply. */
  async say(line: string): Promise<void> {
    this.said = ''
    if (line !== '') this.socket.write(`${line}\r\n`)
    while (!/^\d{3} [^\n]*\n$/m.test(this.said)) {
      if (this.socket.destroyed) throw new Error(`closed after ${line}: ${this.said}`)
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
  }

  /** Reads no more, and writes these octets over and over, as fast as they are taken, `most` in all. */
  pour(octets: Buffer, most = Number.POSITIVE_INFINITY): void {
    const { socket } = this
    socket.pause()
    let left = most
    const more = () => {
      while (!socket.destroyed && left > 0) {
        left -= octets.length
        if (!socket.write(octets)) return
      }
    }
    socket.on('drain', more)
    more()
  }

  /** Writes one octet every so many ms, reading. */
  async drip(octets: string, every: number): Promise<void> {
    for (let at = 0; this.endedAt === 0; at++) {
      if (this.socket.writable) this.socket.write(octets[at % octets.length] ?? '')
      await sleep(every)
    }
  }
}

/** So many clients, each with an address of its own. */
export async function slowPeers(owner: Owner, port: number, many: number, network = '127.0.2'): Promise<SlowPeer[]> {
  return Promise.all(
    Array.from({ length: many }, async (_, n) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: `${network}.${(n % 250) + 1}`, noDelay: true })
      undoAfter(owner, () => void socket.destroy())
      const peer = new SlowPeer(socket)
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
      })
      return peer
    }),
  )
}
