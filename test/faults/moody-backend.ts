// A backend on a thread of its own whose manners are chosen by the client, in its EHLO: `EHLO silent.example.net` and so on.
// It tells its port when it listens. With a certificate its STARTTLS is meant; without one what follows is thrown away.

import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'

const { certificate }: { certificate?: { readonly cert: string; readonly key: string } } = workerData

/** What a backend does once it has taken a recipient. */
type Mood = 'good' | 'deaf' | 'endless' | 'garbage' | 'flood' | 'drip' | 'gush' | 'jam' | 'riddle' | 'sphinx'

const keywords = ['slow.example.test', 'CHUNKING', 'AUTH PLAIN LOGIN', 'STARTTLS', 'PIPELINING', 'SIZE 0', '8BITMIME']

/** A reply as long as one may be: 100 lines, just below 64 KiB. */
const longest = [...Array.from({ length: 98 }, () => `214-${'x'.repeat(648)}`), '214 end', ''].join('\r\n')

class Speaker {
  private socket: Socket
  private mood: Mood = 'good'
  private state: 'header' | 'command' | 'message' | 'other' = 'header'
  private tail = ''

  constructor(socket: Socket) {
    this.socket = socket
    this.attend(socket)
  }

  private attend(socket: Socket): void {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (octets: Buffer) => this.hear(octets))
  }

  private secure(): void {
    this.say('220 go on')
    const { socket } = this
    if (certificate === undefined) {
      this.state = 'other'
      // Not in the packet of the 220: that would be out of step.
      if (this.mood === 'gush' || this.mood === 'jam') setTimeout(() => this.pour(Buffer.alloc(65_536, 0x17)), 50)
      return
    }
    socket.removeAllListeners('data')
    this.attend(new TLSSocket(socket, { isServer: true, ...certificate }))
  }

  private hear(octets: Buffer): void {
    switch (this.state) {
      case 'header':
        // In a packet of its own, by the gate's promise.
        this.state = 'command'
        this.say('220 slow.example.test ESMTP')
        return
      case 'command':
        return this.answer(octets.toString('latin1').trimEnd())
      case 'message':
        this.tail = (this.tail + octets.subarray(-5).toString('latin1')).slice(-5)
        if (!this.tail.endsWith('\r\n.\r\n')) return
        this.state = 'command'
        return this.say('250 2.0.0 Ok: queued as M1')
      case 'other':
        return
      default:
        this.state satisfies never
    }
  }

  private answer(command: string): void {
    const verb = command.slice(0, 4).toUpperCase()
    if (verb === 'EHLO') {
      this.mood = (/^EHLO ([a-z]+)\./i.exec(command)?.[1] ?? 'good') as Mood
      return this.say(keywords.map((line, at) => `250${at < keywords.length - 1 ? '-' : ' '}${line}`).join('\r\n'))
    }
    if (verb === 'HELP' || verb === 'VRFY') return this.help()
    if (verb === 'DATA') {
      this.say('354 go on')
      this.state = 'message'
      this.tail = '\r\n'
    } else if (verb === 'STAR') {
      this.secure()
    } else if (this.mood === 'riddle') this.pour(Buffer.from('334 VXNlcm5hbWU6\r\n'.repeat(4_000)))
    else if (verb === 'AUTH' || this.mood === 'sphinx') this.say('334 VXNlcm5hbWU6')
    else if (verb === 'QUIT') this.socket.end('221 bye\r\n')
    else if (verb === 'BDAT') this.state = 'other'
    else this.say('250 Ok')
    if ((this.mood === 'deaf' || this.mood === 'jam') && ['DATA', 'BDAT', 'STAR'].includes(verb)) this.socket.pause()
  }

  private help(): void {
    switch (this.mood) {
      case 'endless':
        return this.pour(Buffer.from('214-and on\r\n'.repeat(5_000)))
      case 'garbage':
        return this.pour(Buffer.alloc(65_536, 0x40))
      case 'flood':
        return this.pour(Buffer.from('250 Ok\r\n'.repeat(8_192)))
      case 'drip':
        return this.drip(Buffer.from(`214-${'x'.repeat(4_000)}`))
      default:
        this.socket.write(longest)
    }
  }

  /** Without an end, as fast as it is taken. */
  private pour(octets: Buffer): void {
    const more = () => {
      while (!this.socket.destroyed && this.socket.write(octets));
    }
    this.socket.on('drain', more)
    more()
  }

  /** An octet at a time. */
  private drip(octets: Buffer): void {
    let at = 0
    const timer = setInterval(() => {
      if (this.socket.destroyed) clearInterval(timer)
      else this.socket.write(octets.subarray(at++, at))
    }, 5)
  }

  private say(text: string): void {
    this.socket.write(`${text}\r\n`)
  }
}

const server = createServer({ noDelay: true }, socket => void new Speaker(socket))
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const address = server.address()
  parentPort?.postMessage(typeof address === 'object' ? address?.port : 0)
})
