import { connect, createServer, type Socket } from 'node:net'

/**
 * The second yardstick: the least that the gate's own kind of session costs in Node. It greets, answers EHLO and MAIL itself, opens the
 * backend at RCPT, says all again, and then takes one line and one reply at a time. It judges, bounds, notes and survives nothing.
 */
class Session {
  private readonly client: Socket
  private readonly port: number
  private server: Socket | null = null
  private fromClient = ''
  private fromServer = ''
  /** What the backend is still to hear before the client is passed on. */
  private readonly replay: string[] = []
  private waits = false
  private verb = ''
  private inMessage = false
  private tail = ''

  constructor(client: Socket, port: number) {
    this.client = client
    this.port = port
    client.on('data', octets => this.receive(octets))
    client.on('error', () => this.server?.destroy())
    client.on('end', () => this.server?.destroy())
    client.write('220 pipe ESMTP\r\n', 'latin1')
  }

  private receive(octets: Buffer): void {
    if (this.inMessage) return this.message(octets)
    this.fromClient += octets.toString('latin1')
    this.work()
  }

  private message(octets: Buffer): void {
    this.server?.write(octets)
    this.tail = (this.tail + octets.toString('latin1', Math.max(0, octets.length - 5))).slice(-5)
    if (this.tail !== '\r\n.\r\n') return
    this.inMessage = false
    this.verb = '.'
    this.waits = true
  }

  private work(): void {
    for (;;) {
      const end = this.fromClient.indexOf('\r\n') + 2
      if (this.waits || end < 2) return
      const line = this.fromClient.slice(0, end)
      this.fromClient = this.fromClient.slice(end)
      this.verb = line.slice(0, 4).toUpperCase()
      if (this.server === null) this.answer(line)
      else {
        this.waits = true
        this.server.write(line, 'latin1')
      }
    }
  }

  private answer(line: string): void {
    if (this.verb === 'QUIT') return void this.client.end('221 bye\r\n')
    this.replay.push(line)
    if (this.verb !== 'RCPT') return void this.client.write('250 ok\r\n', 'latin1')
    this.waits = true
    this.server = connect({ host: '127.0.0.1', port: this.port, noDelay: true, allowHalfOpen: true })
    this.server.on('data', octets => this.hear(octets))
    this.server.on('error', () => this.client.destroy())
  }

  private hear(octets: Buffer): void {
    this.fromServer += octets.toString('latin1')
    const last = /^\d{3} .*\r\n/m.exec(this.fromServer)
    if (last === null) return
    const reply = this.fromServer
    this.fromServer = ''
    const next = this.replay.shift()
    if (next !== undefined) return void this.server?.write(next, 'latin1')
    this.client.write(reply, 'latin1')
    this.waits = false
    if (this.verb === 'QUIT') {
      this.client.destroySoon()
      this.server?.destroy()
    } else if (this.verb === 'DATA') {
      this.inMessage = true
      this.tail = '\r\n'
    } else this.work()
  }
}

const [port, backend] = process.argv.slice(2).map(Number)
const server = createServer({ allowHalfOpen: true, noDelay: true }, client => void new Session(client, backend ?? 0))
server.listen(port, '127.0.0.1')
