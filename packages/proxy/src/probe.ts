import { BackendDialogue, BackendFault } from './backend-dialogue.ts'
import type { Server } from './backends/server.ts'
import type { Gate } from './gate.ts'
import { keywordOf } from './smtp/keywords.ts'
import { type BackendTls, noTls } from './tls/backend-tls.ts'

/** How long a server may take to greet and to answer EHLO, ms, in all. */
const patience = 10_000
/** The pause between two looks at a server that is down, ms. */
const retry = 5_000
/** Each pause is longer or shorter by up to this part of it, so that many gates do not ask in step. */
const spread = 0.2

/** A server that is looked at now and then. */
interface Look {
  timer: NodeJS.Timeout | null
  asking: Promise<boolean> | null
}

/**
 * Asks every server what it offers, at the start and then at intervals, so that our EHLO reply is theirs and sessions are kept
 * from one that is down; sooner while it is down, and at once when a session has found it in trouble. It says who it is (PROXY
 * LOCAL), greets, and leaves: no mail transaction is begun.
 */
export class Probe {
  private readonly gate: Gate
  private readonly looks = new Map<Server, Look>()
  private readonly end = new AbortController()

  constructor(gate: Gate) {
    this.gate = gate
    gate.onTrouble = server => void this.look(server)
  }

  /** Asks all servers of the configuration now, and no others from now on. */
  async lookAtAll(): Promise<void> {
    const { servers } = this.gate.backends
    for (const [server, { timer }] of this.looks) {
      if (servers.includes(server)) continue
      if (timer !== null) clearTimeout(timer)
      this.looks.delete(server)
    }
    await Promise.all(servers.map(server => this.look(server)))
    // A server that is no more may have been what kept a keyword from being offered.
    this.renewOffer()
  }

  /** Asks now; false: the server did not answer as a mail server should. Never rejects. */
  look(server: Server): Promise<boolean> {
    if (this.end.signal.aborted) return Promise.resolve(false)
    const look = this.looks.get(server) ?? { timer: null, asking: null }
    this.looks.set(server, look)
    look.asking ??= this.ask(server).finally(() => {
      look.asking = null
      this.schedule(server, look)
    })
    return look.asking
  }

  stop(): void {
    for (const { timer } of this.looks.values()) if (timer !== null) clearTimeout(timer)
    this.looks.clear()
    this.gate.onTrouble = () => {}
    // A backend that does not answer must not hold a process that is to end.
    this.end.abort('the gate ends')
  }

  private schedule(server: Server, look: Look): void {
    if (look.timer !== null) clearTimeout(look.timer)
    if (this.looks.get(server) !== look) return
    const wait = server.up ? server.probeEvery : Math.min(retry, server.probeEvery)
    look.timer = setTimeout(() => void this.look(server), wait * (1 + spread * (2 * Math.random() - 1)))
    look.timer.unref()
  }

  private async ask(server: Server): Promise<boolean> {
    const { gate } = this
    const { watch } = gate
    const { tls } = server.backend
    let answer = await askKeywords(gate, server, tls, this.end.signal)
    // As a session does where a TLS that it could do without fails.
    if (typeof answer === 'string' && tls.mode === 'opportunistic') {
      answer = await askKeywords(gate, server, noTls, this.end.signal)
    }
    if (this.end.signal.aborted) return false
    if (typeof answer === 'string') {
      watch.checked(server, false, answer)
      this.renewOffer()
      return false
    }
    server.keywords = answer
    // It would refuse XCLIENT in every session, and nothing but their log lines would say so.
    const deaf = server.backend.identity === 'xclient' && !answer.some(line => keywordOf(line) === 'XCLIENT')
    watch.checked(server, !deaf, deaf ? 'it does not offer XCLIENT to the gate (smtpd_authorized_xclient_hosts)' : '')
    this.renewOffer()
    return !deaf
  }

  private renewOffer(): void {
    const { keywords } = this.gate.backends
    if (keywords !== null) this.gate.offer.renew(keywords)
  }
}

/** The server's EHLO keyword lines, or why there are none. */
async function askKeywords(
  gate: Gate,
  { backend }: Server,
  tls: BackendTls,
  signal: AbortSignal,
): Promise<readonly string[] | string> {
  const dialogue = BackendDialogue.begin({ backend, hostname: gate.house.hostname, as: 'gate', patience, signal })
  try {
    return await dialogue.introduce(tls)
  } catch (fault) {
    if (fault instanceof BackendFault) return fault.message
    throw fault
  } finally {
    dialogue.leave()
  }
}
