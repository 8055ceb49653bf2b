import { BackendDialogue, BackendFault } from './backend-dialogue.ts'
import { noTls } from './backend-tls.ts'
import type { Gate } from './gate.ts'
import { keywordOf } from './smtp/keywords.ts'

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
    this.end.abort('the gate ends')
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
async function askKeywords(gate: Gate, signal: AbortSignal): Promise<readonly string[] | string> {
  const { backend, house } = gate
  const dialogue = BackendDialogue.begin({ backend, hostname: house.hostname, as: 'gate', patience, signal })
  try {
    return await dialogue.introduce(noTls)
  } catch (fault) {
    if (fault instanceof BackendFault) return fault.message
    throw fault
  } finally {
    dialogue.leave()
  }
}
