// A scripted SMTP client: says exactly what the test says, when it says it, and waits for everything with a deadline.
//
//   const client = await connect(t, { port })
//   await client.expect(/^220 /)
//   await client.command('EHLO client.example.net', /^250/)
//   assert.equal(await client.closed, 'fin')
//
// Whatever fails shows the dialogue so far, each line with the milliseconds since the connection was asked for.

import { AssertionError } from 'node:assert'
import { connect as connectSocket, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { type Owner, undoAfter } from './owner.ts'

export interface DialogueOptions {
  readonly port: number
  readonly host?: string
  /** The client's own address: any of 127/8 will do, which makes a test a stranger. */
  readonly localAddress?: string
  /** TLS from the first octet; whoever answers will do unless `rejectUnauthorized` is set. */
  readonly tls?: ConnectionOptions
  /** How long each wait may take, in ms; 20,000 unless given. */
  readonly waitMs?: number
}

export interface Reply {
  readonly code: number
  /** The lines with their codes and without CR LF. */
  readonly lines: readonly string[]
  /** The lines with their codes, joined by LF. */
  readonly text: string
}

/** How the server ended the connection: in order, or by a reset. */
export type Ending = 'fin' | 'rst'

/** Connects; rejects when refused or not answered in time. The connection is gone when its owner ends. */
export async function connect(owner: Owner, options: DialogueOptions): Promise<Dialogue> {
  const { port, host = '127.0.0.1', localAddress } = options
  const socket = connectSocket({ port, host, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) })
  const dialogue = new Dialogue(socket, options.waitMs ?? 20_000)
  undoAfter(owner, () => dialogue.destroy())
  await dialogue.connected()
  if (options.tls !== undefined) await dialogue.secure(options.tls)
  return dialogue
}

export class Dialogue {
  #socket: Socket
  readonly #waitMs: number
  readonly #started = performance.now()
  readonly #transcript: string[] = []
  /** What the server has said and nobody has taken yet, as latin1: one character an octet. */
  #pending = ''
  /** How many characters of `#pending` are in the transcript. */
  #written = 0
  #open = false
  #ending: Ending | undefined
  #failure: Error | undefined
  /** Whoever waits is woken by anything that happens. */
  readonly #waiting = new Set<() => void>()

  constructor(socket: Socket, waitMs: number) {
    this.#socket = socket
    this.#waitMs = waitMs
    socket.on('connect', () => this.#happened(() => (this.#open = true)))
    this.#attend(socket)
  }

  #attend(socket: Socket): void {
    const isOurs = (): boolean => this.#socket === socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => isOurs() && this.#happened(() => this.#hear(text)))
    socket.on('end', () => isOurs() && this.#happened(() => this.#end('fin')))
    socket.on('error', (error: NodeJS.ErrnoException) => isOurs() && this.#happened(() => this.#fail(error)))
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failure = error
    // EPIPE: we wrote after the server had reset the connection.
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') return
    // A server that resets at once may do so before we hear that we were connected.
    this.#open = true
    this.#end('rst')
  }

  /**
   * Begins TLS, after a 220 to STARTTLS or at once; `early` goes out behind the end of the handshake, before anything is heard.
   * Rejects when there is none in time.
   */
  async secure(options: ConnectionOptions = {}, early?: string): Promise<TLSSocket> {
    const raw = this.#socket
    // Octets, not text, go through the old socket from now on; its encoding is its own.
    const socket = connectTls({ rejectUnauthorized: false, ...options, socket: raw })
    this.#socket = socket
    this.#attend(socket)
    this.#note('C', '', '[tls]')
    let isSecure = false
    socket.once('secureConnect', () => this.#happened(() => (isSecure = true)))
    if (early !== undefined) this.sendRaw(early)
    await this.#wait('TLS', () => (isSecure ? true : undefined))
    return socket
  }

  /** Resolves when connected. */
  async connected(): Promise<void> {
    await this.#wait('a connection', () => (this.#open ? true : undefined))
  }

  /** The client's own port, by which logs name it. */
  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  /** Says one line; CR LF is added. */
  send(line: string): void {
    this.sendRaw(`${line}\r\n`)
  }

  /** Writes these octets and nothing else, in one write; a string is taken as latin1. */
  sendRaw(octets: string | Uint8Array): void {
    const buffer = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : Buffer.from(octets)
    this.#note('C', buffer.toString('latin1'))
    this.#socket.write(buffer)
  }

  /** The next whole reply, whatever it is. */
  async reply(): Promise<Reply> {
    return this.#reply('a reply')
  }

  /** The next whole reply, which must match; the pattern sees the lines with their codes, joined by LF. */
  async expect(pattern: RegExp): Promise<Reply> {
    const reply = await this.#reply(`a reply that matches ${pattern}`)
    if (!pattern.test(reply.text))
      throw this.#error(`a reply that matches ${pattern}`, `got ${JSON.stringify(reply.text)}`)
    return reply
  }

  /** Says one line and expects its reply. */
  async command(line: string, pattern: RegExp): Promise<Reply> {
    this.send(line)
    return this.expect(pattern)
  }

  /** The next single line, without CR LF, even of an unfinished reply (a teaser's `220-`). */
  async line(pattern = /^/): Promise<string> {
    const line = await this.#wait(`a line that matches ${pattern}`, () => this.#takeLine())
    if (!pattern.test(line)) throw this.#error(`a line that matches ${pattern}`, `got ${JSON.stringify(line)}`)
    return line
  }

  /** Sees to it that the server says nothing and does not close for `ms`. */
  async silence(ms: number): Promise<void> {
    if (this.#pending === '' && this.#ending === undefined) await this.#sleep(ms)
    if (this.#pending !== '') throw this.#error(`silence for ${ms} ms`, `got ${JSON.stringify(this.#pending)}`)
    if (this.#ending !== undefined) throw this.#error(`silence for ${ms} ms`, `it closed (${this.#ending})`)
  }

  /** Resolves when the server has closed; rejects if it does not in time. Each use is a wait of its own. */
  get closed(): Promise<Ending> {
    return this.#wait('the server to close', () => this.#ending)
  }

  /** Closes our half in order (FIN); what the server still says can be read. */
  end(): void {
    this.#note('C', '', '[fin]')
    this.#socket.end()
  }

  /** Ends the connection at once by a reset; not of TLS. */
  reset(): void {
    this.#note('C', '', '[rst]')
    this.#socket.resetAndDestroy()
  }

  /** Stops (`false`) or resumes (`true`) reading: a client that does not take what it is told. */
  reading(on: boolean): void {
    if (on) this.#socket.resume()
    else this.#socket.pause()
  }

  /** Gives up the connection without ceremony. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** The dialogue so far, one line for each line said, with the ms since the start. */
  transcript(): string {
    return this.#transcript.join('\n')
  }

  async #reply(what: string): Promise<Reply> {
    return this.#wait(what, () => {
      // Lines with a hyphen after the code go on; any other line is the last, well-formed or not (RFC 5321, 4.2).
      const whole = /^(?:\d{3}-[^\n]*\n)*(?!\d{3}-)[^\n]*\n/.exec(this.#pending)?.[0]
      if (whole === undefined) return undefined
      this.#pending = this.#pending.slice(whole.length)
      this.#written -= whole.length
      const lines = whole.slice(0, -1).split('\n').map(withoutCr)
      return { code: Number.parseInt(lines.at(-1) ?? '', 10), lines, text: lines.join('\n') }
    })
  }

  #takeLine(): string | undefined {
    const end = this.#pending.indexOf('\n') + 1
    if (end === 0) return undefined
    const line = this.#pending.slice(0, end - 1)
    this.#pending = this.#pending.slice(end)
    this.#written -= end
    return withoutCr(line)
  }

  #hear(text: string): void {
    this.#pending += text
    // Octets that arrive one by one are shown as the lines they make.
    const end = this.#pending.lastIndexOf('\n') + 1
    if (end > this.#written) {
      this.#note('S', this.#pending.slice(this.#written, end))
      this.#written = end
    }
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#note('S', this.#pending.slice(this.#written), `[${ending}]`)
    this.#written = this.#pending.length
    this.#ending = ending
  }

  #happened(change: () => void): void {
    change()
    for (const wake of this.#waiting) wake()
  }

  async #wait<T>(what: string, look: () => T | undefined): Promise<T> {
    const deadline = performance.now() + this.#waitMs
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.#ending !== undefined) throw this.#error(what, `the server closed (${this.#ending})`)
      if (this.#failure !== undefined) throw this.#error(what, this.#failure.message)
      const left = deadline - performance.now()
      if (left <= 0) throw this.#error(what, `nothing of the kind in ${this.#waitMs} ms`)
      await this.#sleep(left)
    }
  }

  /** Until something happens, `ms` at the most. */
  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#waiting.add(wake)
    })
  }

  #error(expected: string, found: string): Error {
    const rest = this.#pending === '' ? '' : `\n(not taken: ${JSON.stringify(this.#pending.slice(0, 500))})`
    return new AssertionError({ message: `expected ${expected}, but ${found}\n${this.transcript()}${rest}` })
  }

  #note(who: 'C' | 'S', text: string, remark?: string): void {
    const ms = Math.round(performance.now() - this.#started)
      .toString()
      .padStart(6)
    for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
      // An honest CR LF is not shown; everything else that cannot be seen is.
      const shown = line.endsWith('\r\n') ? line.slice(0, -2) : line
      this.#transcript.push(`${ms} ms ${who}: ${JSON.stringify(shown).slice(1, -1).slice(0, 300)}`)
    }
    if (remark !== undefined) this.#transcript.push(`${ms} ms ${who}: ${remark}`)
    // A message of many lines must not push the beginning out of sight, nor fill the memory.
    if (this.#transcript.length > 400) this.#transcript.splice(100, 100)
  }
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
