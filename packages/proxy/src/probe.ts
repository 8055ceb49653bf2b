import type { Socket } from 'node:net'
import { dial, ownHeader } from './backend.ts'
import type { Identity } from './config/config.ts'
import type { Gate } from './gate.ts'
import { keywordLines, keywordOf } from './smtp/keywords.ts'
import { isPositive, type Reply, ReplyReader } from './smtp/reply.ts'
import { endsOf } from './sockets.ts'

/** How long the backend may take to greet and to answer EHLO, ms, in all. */
const patience = 10_000
/** The pause between two looks at a backend that is down, ms. */
const retry = 5_000

/**
 * Asks the backend what it offers, at the start and every few minutes, so that our EHLO reply is its own; and looks sooner
 * while it is down. It says who it is (PROXY LOCAL), greets, and leaves: no mail transaction is begun.
 */
export class Probe {
  private readonly gate: Gate
  private timer: NodeJS.Timeout | null = null
  private asking: Promise<boolean> | null = null
  private readonly end = new AbortController()

  constructor(gate: Gate) {
    this.gate = gate
    gate.onTrouble = () => void this.look()
  }

  /** Asks now; false: the backend did not answer as a mail server should. Never rejects. */
  look(): Promise<boolean> {
    if (this.end.signal.aborted) return Promise.resolve(false)
    this.asking ??= this.ask().finally(() => {
      this.asking = null
      this.schedule()
    })
    return this.asking
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.gate.onTrouble = () => {}
    // A backend that does not answer must not hold a process that is to end.
    this.end.abort()
  }

  private schedule(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    if (this.end.signal.aborted) return
    const wait = this.gate.backendUp ? this.gate.config.backend.probeEvery : retry
    this.timer = setTimeout(() => void this.look(), wait)
    this.timer.unref()
  }

  private async ask(): Promise<boolean> {
    const { gate } = this
    const { identity } = gate.backend
    const answer = await askKeywords(gate, this.end.signal)
    if (this.end.signal.aborted) return false
    if (typeof answer === 'string') {
      gate.backendIs(false, answer)
      return false
    }
    gate.offer.renew(answer)
    // It would refuse XCLIENT in every session, and nothing but their log lines would say so.
    const deaf = identity === 'xclient' && !answer.some(line => keywordOf(line) === 'XCLIENT')
    gate.backendIs(!deaf, deaf ? 'it does not offer XCLIENT to the gate (smtpd_authorized_xclient_hosts)' : '')
    return !deaf
  }
}

/** The backend's EHLO keyword lines, or why there are none. */
function askKeywords(gate: Gate, end: AbortSignal): Promise<readonly string[] | string> {
  const { backend, house } = gate
  const socket = dial(backend)
  return new Promise(resolve => {
    const finish = (answer: readonly string[] | string) => {
      clearTimeout(late)
      end.removeEventListener('abort', ended)
      resolve(answer)
      socket.destroy()
    }
    // In all, not between two octets: one that drips is no better than one that is silent.
    const late = setTimeout(() => finish(`no answer in ${patience / 1000} s`), patience)
    const ended = () => finish('the gate ends')
    end.addEventListener('abort', ended)
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    socket.on('end', () => finish('it closed the connection'))
    socket.on('connect', () => sendHeader(socket, gate))
    const reader = new ReplyReader()
    let greeted = false
    // A server that was not told of the header greets, and takes it for commands.
    const hint = ({ code }: Reply) => (greeted && code >= 500 ? headerHint(backend.identity) : '')
    const read = (reply: Reply) => {
      if (!isPositive(reply)) return finish(`it answered ${reply.text.trimEnd().slice(0, 120)}${hint(reply)}`)
      if (!greeted) {
        greeted = true
        socket.write(`EHLO ${house.hostname}\r\n`, 'latin1')
        return
      }
      socket.end('QUIT\r\n')
      finish(keywordLines(reply))
    }
    socket.on('data', octets => {
      for (const reply of reader.read(octets)) read(reply)
      if (reader.malformed) finish('it does not speak SMTP')
    })
  })
}

function headerHint(identity: Identity): string {
  if (identity === 'xconnect') return '; was it built with _FFR_XCNCT, and does its ruleset x_connect say yes there?'
  return identity.startsWith('proxy_') ? '; does it expect a PROXY header there?' : ''
}

function sendHeader(socket: Socket, gate: Gate): void {
  const ends = endsOf(socket)
  if (ends === null) return
  // On a connection of our own we are the client: the ends are the other way round.
  const own = { client: ends.server, clientPort: ends.serverPort, server: ends.client, serverPort: ends.clientPort }
  const header = ownHeader(gate.backend.identity, own)
  if (header !== null) socket.write(header)
}
