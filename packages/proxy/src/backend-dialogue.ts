import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Address } from '@sallyport/rules'
import { type Backend, dial, identityHeader, ownHeader } from './backend.ts'
import type { Identity } from './config/config.ts'
import { keywordLines, keywordOf } from './smtp/keywords.ts'
import { latin1 } from './smtp/octets.ts'
import { isNegative, isPositive, type Reply, ReplyReader } from './smtp/reply.ts'
import { xclientCommands } from './smtp/xclient.ts'
import { endsOf } from './sockets.ts'
import { type BackendTls, beginTls, certificateFault } from './tls/backend-tls.ts'

/** The beginning of the fault of one that answers in another tongue than SMTP. */
export const tongue = 'it does not speak SMTP'

/** Replies that nobody asked for are kept to be told of, but not without end. */
const mostUnread = 20

export interface DialogueOptions {
  readonly backend: Backend
  /** The name in our EHLO. */
  readonly hostname: string
  /** Whom a PROXY header names: a client, or the gate itself; `nobody`: no header goes out, whatever is configured. */
  readonly as: Address | 'gate' | 'nobody'
  /** For all of it, ms, and not between two octets: one that drips is no better than one that is silent. */
  readonly patience: number
  /** Ends it; its reason, a text, is the fault. */
  readonly signal: AbortSignal
}

/** The backend is not to be spoken with, or does not do as it should: a text for the log, that goes on after its name. */
export class BackendFault extends Error {}

/**
 * A dialogue of the gate's own with a backend, one command at a time: the probe's, and the doctor's. It begins as that of a
 * session does: the identity header alone, the greeting, EHLO. Every step rejects with a BackendFault where it cannot be
 * taken, and after one so does every other; `end` must be called in any case.
 *
 * Sessions do not use it: they have no promises, and are driven by one state machine that sees both sides.
 */
export class BackendDialogue {
  /** The first line of its last reply to EHLO, in which some servers name the client. */
  welcome = ''
  private readonly options: DialogueOptions
  private readonly late: NodeJS.Timeout
  private socket: Socket
  private reader = new ReplyReader()
  private readonly unread: Reply[] = []
  private greeted = false
  private fault: BackendFault | null = null
  private taken: ((reply: Reply) => void) | null = null
  private failed: ((fault: BackendFault) => void) | null = null
  private readonly aborted = () => void this.fail(String(this.options.signal.reason))

  private constructor(options: DialogueOptions) {
    this.options = options
    this.late = setTimeout(() => this.fail(`no answer in ${options.patience / 1000} s`), options.patience)
    options.signal.addEventListener('abort', this.aborted)
    this.socket = dial(options.backend)
    this.attend(this.socket)
    this.socket.once('connect', () => this.sendHeader())
    if (options.signal.aborted) this.aborted()
  }

  /** Begins to connect; `connected` tells when that is done. */
  static begin(options: DialogueOptions): BackendDialogue {
    return new BackendDialogue(options)
  }

  /** Resolves when the connection stands and the identity header, if any, is written. */
  connected(): Promise<void> {
    return this.step(done => {
      if (this.socket.connecting) this.socket.once('connect', () => done())
      else done()
    })
  }

  /** The 220; any other greeting is a fault. */
  async greeting(): Promise<Reply> {
    const reply = this.unread.shift() ?? (await this.step<Reply>(done => this.await(done)))
    if (reply.code !== 220) throw this.refused(reply)
    this.greeted = true
    return reply
  }

  /** The keyword lines of its reply to EHLO. */
  async hello(): Promise<readonly string[]> {
    const reply = await this.say(`EHLO ${this.options.hostname}`)
    if (!isPositive(reply)) throw this.refused(reply)
    this.welcome = (reply.text.split('\r\n', 1)[0] ?? '').slice(4)
    return keywordLines(reply)
  }

  /** STARTTLS and the handshake. EHLO must come again, as nothing said before counts any more (RFC 3207 4.2). */
  async secure(tls: BackendTls): Promise<TLSSocket> {
    const reply = await this.say('STARTTLS')
    if (reply.code !== 220) throw this.refused(reply)
    // Whoever sits between us could have put it there, to be read as said inside TLS.
    if (this.reader.midReply || this.unread.length > 0) throw this.fail('it said something between its 220 and TLS')
    this.socket.removeAllListeners('data').removeAllListeners('end')
    // What its certificate is worth is told below, in our words and not in those of an error of the socket's.
    const secured = beginTls(this.socket, { ...tls, mode: 'opportunistic' })
    this.socket = secured
    this.reader = new ReplyReader()
    this.attend(secured)
    await this.step(done => secured.once('secureConnect', done))
    const fault = certificateFault(secured)
    if (tls.mode === 'required' && fault !== null) throw this.fail(`its certificate is not good: ${fault}`)
    return secured
  }

  /**
   * The greeting, EHLO, and TLS and EHLO again where that is wanted; gives the keyword lines of the last EHLO. Where it fails
   * although TLS was opportunistic, a dialogue without may do better.
   */
  async introduce(tls: BackendTls): Promise<readonly string[]> {
    await this.connected()
    await this.greeting()
    return this.agree(tls)
  }

  /** The same from EHLO on. */
  async agree(tls: BackendTls): Promise<readonly string[]> {
    const lines = await this.hello()
    if (tls.mode === 'off') return lines
    if (!lines.some(line => keywordOf(line) === 'STARTTLS')) {
      if (tls.mode === 'opportunistic') return lines
      throw this.fail('it does not offer STARTTLS')
    }
    await this.secure(tls)
    return this.hello()
  }

  /** XCLIENT, each command answered with 220; EHLO must come again (XCLIENT_README). */
  async claim(attributes: readonly (readonly [name: string, value: string])[]): Promise<void> {
    for (const command of xclientCommands(attributes)) {
      const reply = await this.say(command)
      if (reply.code !== 220) throw this.refused(reply)
    }
  }

  /** One command without its CRLF, and the reply to it, whatever that is. */
  say(line: string): Promise<Reply> {
    const [unasked] = this.unread
    if (unasked !== undefined) {
      return Promise.reject(
        isNegative(unasked) ? this.refused(unasked) : this.fail(`it spoke out of turn: ${brief(unasked)}`),
      )
    }
    return this.step(done => {
      this.await(done)
      this.socket.write(`${line}\r\n`, 'latin1')
    })
  }

  /** QUIT, and away: its 221 is not waited for. */
  leave(): void {
    if (this.fault !== null) return this.end()
    this.release()
    this.socket.write('QUIT\r\n')
    this.socket.destroySoon()
  }

  end(): void {
    this.release()
    this.socket.destroy()
  }

  private release(): void {
    clearTimeout(this.late)
    this.options.signal.removeEventListener('abort', this.aborted)
  }

  /** The fault of a reply that leads nowhere. */
  refused(reply: Reply): BackendFault {
    const { backend, as } = this.options
    // A server that was not told of the header greets, and takes it for commands.
    const hint = this.greeted && reply.code >= 500 && as !== 'nobody' ? headerHint(backend.identity) : ''
    return this.fail(`it answered ${brief(reply)}${hint}`)
  }

  private attend(socket: Socket): void {
    socket.on('data', octets => {
      for (const reply of this.reader.read(octets)) this.take(reply)
      if (this.reader.malformed) this.fail(`${tongue}: ${firstLine(octets)}`)
    })
    socket.on('end', () => this.fail('it closed the connection'))
    socket.on('error', (error: NodeJS.ErrnoException) => this.fail(error.code ?? error.message))
  }

  private sendHeader(): void {
    const { backend, as } = this.options
    const ends = endsOf(this.socket)
    if (ends === null || as === 'nobody') return
    // On a connection of our own we are the client: the ends are the other way round.
    const own = { client: ends.server, clientPort: ends.serverPort, server: ends.client, serverPort: ends.clientPort }
    const header =
      as === 'gate' ? ownHeader(backend.identity, own) : identityHeader(backend.identity, { ...own, client: as })
    if (header !== null) this.socket.write(header)
  }

  private await(done: (reply: Reply) => void): void {
    this.taken = reply => {
      this.taken = null
      done(reply)
    }
  }

  private take(reply: Reply): void {
    if (this.taken !== null) this.taken(reply)
    else if (this.unread.length < mostUnread) this.unread.push(reply)
    else this.fail('it does not stop speaking out of turn')
  }

  private async step<T = void>(begin: (done: (value: T) => void) => void): Promise<T> {
    if (this.fault !== null) throw this.fault
    try {
      return await new Promise<T>((resolve, reject) => {
        this.failed = reject
        begin(resolve)
      })
    } finally {
      this.failed = null
    }
  }

  /** The first fault stays. */
  private fail(why: string): BackendFault {
    this.fault ??= new BackendFault(why)
    this.failed?.(this.fault)
    return this.fault
  }
}

function headerHint(identity: Identity): string {
  if (identity === 'xconnect') return '; was it built with _FFR_XCNCT, and does its ruleset x_connect say yes there?'
  return identity.startsWith('proxy_') ? '; does it expect a PROXY header there?' : ''
}

/** What came first, for a person to see what it is. */
const firstLine = (octets: Buffer): string => latin1(octets, 0, Math.min(octets.length, 60)).split(/\r?\n/, 1)[0] ?? ''

const brief = (reply: Reply): string => reply.text.trimEnd().slice(0, 120)
