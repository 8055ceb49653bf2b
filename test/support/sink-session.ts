// One connection to the scripted backend: reads as a strict SMTP server does, answers as it is told.

import type { Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { type ProxyHeader, readProxyHeader } from './proxy-header.ts'
import { BdatBody, DataBody } from './sink-body.ts'
import type { Fault, Faults, Stage } from './sink-fault.ts'

/** What a session needs of its sink. */
export interface Script {
  readonly hostname: string
  readonly keywords: readonly string[]
  readonly proxy: boolean
  /** Whether each octet of a reply goes out by itself. */
  readonly split: boolean
  readonly faults: Faults
  /** A message is whole; gives its queue id. */
  receive(message: Buffer): string
  /** Something has happened that somebody may wait for. */
  changed(): void
}

export class SinkSession {
  /** The other end of the connection, as `address:port`. */
  readonly client: string
  /** Every command line without its CR LF, in the order they came. */
  readonly commands: string[] = []
  /** Every reply given, without its last CR LF. */
  readonly replies: string[] = []
  /** The PROXY header that came first, where one is demanded. */
  header: ProxyHeader | undefined
  /** Why what came first was no PROXY header, where one is demanded. */
  complaint: string | undefined
  /** How the other side ended the connection; undefined while it is open, and when the sink ended it first. */
  ended: 'fin' | 'rst' | undefined
  /** Whether nothing of it is left. */
  closed = false

  readonly #socket: Socket
  readonly #script: Script
  readonly #received: Buffer[] = []
  #state: 'header' | 'command' | 'body' | 'held' | 'deaf'
  #pending: Buffer = Buffer.alloc(0)
  #body: DataBody | BdatBody | undefined
  #bodyStruck = false
  #reversePath = false
  #forwardPaths = 0
  #closing = false
  /** Replies go out one after another, however slowly. */
  #output: Promise<void> = Promise.resolve()

  constructor(socket: Socket, script: Script) {
    this.#socket = socket
    this.#script = script
    this.client = `${socket.remoteAddress}:${socket.remotePort}`
    this.#state = script.proxy ? 'header' : 'command'
    socket.setNoDelay(true)
    socket.on('data', (octets: Buffer) => {
      this.#received.push(octets)
      this.#pending = Buffer.concat([this.#pending, octets])
      this.#read()
      script.changed()
    })
    socket.on('end', () => this.#end('fin'))
    socket.on('error', () => this.#end('rst'))
    socket.on('close', () => {
      this.closed = true
      script.changed()
    })
    if (!script.proxy) this.#answer('greeting', this.#greeting())
  }

  /** Every octet received, the PROXY header too. */
  get received(): Buffer {
    return Buffer.concat(this.#received)
  }

  /** Says this (CR LF is added) although nobody asked. */
  say(text: string): void {
    this.#say(text)
  }

  /** Closes when everything has been said, in order or by a reset. */
  close(how: 'fin' | 'rst'): void {
    this.#state = 'deaf'
    this.#closing = true
    this.#afterwards(() => {
      if (how === 'fin') this.#socket.end()
      else this.#socket.resetAndDestroy()
    })
  }

  /** Resets the connection now, whatever was still to be said. */
  cut(): void {
    this.#state = 'deaf'
    this.#closing = true
    this.#socket.resetAndDestroy()
  }

  /** Reads on after a hang in the body. */
  resume(): void {
    if (this.#state !== 'held') return
    this.#state = 'body'
    this.#socket.resume()
    this.#read()
  }

  #end(how: 'fin' | 'rst'): void {
    if (!this.#closing) this.ended ??= how
    this.#script.changed()
  }

  #read(): void {
    for (let progress = true; progress && this.#pending.length > 0; ) {
      switch (this.#state) {
        case 'header':
          progress = this.#readHeader()
          break
        case 'command':
          progress = this.#readCommand()
          break
        case 'body':
          this.#readBody()
          break
        case 'held':
          return
        case 'deaf':
          this.#take(this.#pending.length)
          break
        default:
          this.#state satisfies never
      }
    }
  }

  #take(octets: number): Buffer {
    const taken = this.#pending.subarray(0, octets)
    this.#pending = this.#pending.subarray(octets)
    return taken
  }

  #readHeader(): boolean {
    try {
      this.header = readProxyHeader(this.#pending)
    } catch (error) {
      this.complaint = error instanceof Error ? error.message : String(error)
      this.#say('421 4.3.0 No PROXY header')
      this.close('fin')
      return true
    }
    if (this.header === undefined) return false
    this.#take(this.header.raw.length)
    this.#state = 'command'
    this.#answer('greeting', this.#greeting())
    return true
  }

  #greeting(): string {
    return `220 ${this.#script.hostname} ESMTP sink`
  }

  #readCommand(): boolean {
    const end = this.#pending.indexOf('\r\n')
    if (end < 0) return false
    const line = this.#take(end + 2).toString('latin1', 0, end)
    this.commands.push(line)
    this.#command(line)
    return true
  }

  #command(line: string): void {
    switch (line.split(' ', 1)[0]?.toUpperCase()) {
      case 'HELO':
        this.#forget()
        this.#answer('helo', `250 ${this.#script.hostname}`)
        break
      case 'EHLO':
        this.#forget()
        this.#answer('ehlo', multiline('250', [this.#script.hostname, ...this.#script.keywords]))
        break
      case 'XCLIENT':
        this.#forget()
        this.#answer('xclient', this.#greeting())
        break
      case 'MAIL':
        if (this.#reversePath) this.#answer('mail', '503 5.5.1 Error: nested MAIL command')
        else this.#reversePath = this.#answer('mail', '250 2.1.0 Ok')
        break
      case 'RCPT':
        if (!this.#reversePath) this.#answer('rcpt', '503 5.5.1 Error: need MAIL command')
        else if (this.#answer('rcpt', '250 2.1.5 Ok')) this.#forwardPaths += 1
        break
      case 'DATA':
        if (this.#forwardPaths === 0) this.#answer('data', '554 5.5.1 Error: no valid recipients')
        else if (this.#answer('data', '354 End data with <CR><LF>.<CR><LF>')) this.#begin(new DataBody())
        break
      case 'BDAT':
        this.#bdat(line)
        break
      case 'RSET':
        this.#forget()
        this.#answer('rset', '250 2.0.0 Ok')
        break
      case 'NOOP':
        this.#answer('noop', '250 2.0.0 Ok')
        break
      case 'QUIT':
        if (this.#answer('quit', '221 2.0.0 Bye')) this.close('fin')
        break
      default:
        this.#answer('other', '500 5.5.2 Error: command not recognized')
    }
  }

  #bdat(line: string): void {
    const [, octets, last] = /^BDAT (\d{1,9})( LAST)?$/i.exec(line) ?? []
    if (octets === undefined) {
      this.#answer('bdat', '501 5.5.4 Syntax: BDAT count [LAST]')
      return
    }
    const body = this.#body instanceof BdatBody ? this.#body : new BdatBody()
    body.announce(Number(octets), last !== undefined)
    this.#begin(body)
    if (Number(octets) === 0) this.#endBody(body)
  }

  #begin(body: DataBody | BdatBody): void {
    if (this.#state === 'command') this.#state = 'body'
    this.#bodyStruck = this.#bodyStruck && this.#body === body
    this.#body = body
  }

  #readBody(): void {
    const body = this.#body
    if (body === undefined) throw new Error('a sink reads a body that was never announced')
    const fault = this.#bodyStruck ? undefined : this.#script.faults.strike('body', body.octets + this.#pending.length)
    if (fault !== undefined) {
      this.#bodyStruck = true
      this.#strike(fault, 'body', undefined)
      if (this.#state !== 'body') return
    }
    const used = body.add(this.#pending)
    this.#take(used ?? this.#pending.length)
    if (used !== undefined) this.#endBody(body)
  }

  #endBody(body: DataBody | BdatBody): void {
    this.#state = 'command'
    if (body instanceof BdatBody && this.#forwardPaths === 0) {
      this.#answer('bdat', '554 5.5.1 Error: no valid recipients')
    } else if (body instanceof BdatBody && !body.last) {
      this.#answer('bdat', `250 2.0.0 Ok: ${body.octets} octets`)
    } else {
      this.#forget()
      const queueId = this.#script.receive(body.message())
      this.#answer('message', `250 2.0.0 Ok: queued as ${queueId}`)
    }
  }

  #forget(): void {
    this.#reversePath = false
    this.#forwardPaths = 0
    this.#body = undefined
  }

  /** Answers, or does what the script says instead; says whether the answer was a good one (2xx or 3xx). */
  #answer(stage: Stage, reply: string): boolean {
    const fault = this.#script.faults.strike(stage)
    if (fault !== undefined) return this.#strike(fault, stage, reply)
    return this.#say(reply)
  }

  #strike(fault: Fault, stage: Stage, reply: string | undefined): boolean {
    switch (fault.kind) {
      case 'hang':
        this.#state = stage === 'body' ? 'held' : 'deaf'
        if (stage === 'body') this.#socket.pause()
        return false
      case 'fin':
      case 'rst':
        this.close(fault.kind)
        return false
      case 'reply': {
        const good = this.#say(fault.text)
        if (fault.close !== undefined) this.close(fault.close)
        return good
      }
      case 'extra': {
        const good = reply !== undefined && this.#say(reply)
        this.#say(fault.text)
        return good
      }
      case 'delay':
        this.#afterwards(() => sleep(fault.ms))
        return reply !== undefined && this.#say(reply)
      default:
        return fault satisfies never
    }
  }

  #say(text: string): boolean {
    this.replies.push(text)
    const octets = Buffer.from(`${text}\r\n`, 'latin1')
    this.#afterwards(async () => {
      const packets = this.#script.split ? Array.from(octets, octet => Uint8Array.of(octet)) : [octets]
      for (const packet of packets) {
        this.#socket.write(packet)
        await turn()
      }
    })
    return /^[23]/.test(text)
  }

  #afterwards(step: () => unknown): void {
    this.#output = this.#output.then(async () => {
      if (!this.closed) await step()
    })
  }
}

function multiline(code: string, lines: readonly string[]): string {
  return lines.map((line, index) => `${code}${index === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n')
}
