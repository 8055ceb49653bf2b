import type { TLSSocket } from 'node:tls'
import type { Address } from '@sallyport/rules'
import type { Backend } from '../backend.ts'
import { BackendDialogue } from '../backend-dialogue.ts'
import type { Reply } from '../smtp/reply.ts'
import type { BackendTls } from '../tls/backend-tls.ts'
import type { KeywordPolicy } from './keyword.ts'
import { type Timed, timed } from './stopwatch.ts'

/** A backend as the doctor sees it. */
export interface Behind {
  /** As it is written: `127.0.0.1:10025`, or a name. */
  readonly name: string
  /** The group for which it was written first: `backend`, `routes[0].backend`. */
  readonly key: string
  readonly backend: Backend
  readonly tls: BackendTls
}

/** How long each step may take, ms. */
interface Patience {
  readonly connect: number
  readonly greeting: number
  readonly reply: number
}

/** What a visit is made with. */
export interface Surroundings {
  readonly hostname: string
  readonly patience: Patience
  /** Lower case; empty: any. */
  readonly recipientDomains: readonly string[]
  /** An address to try to relay to; null: those that we know. */
  readonly recipient: string | null
  readonly keywords: KeywordPolicy
}

/** An attempt to have mail relayed, which ended before DATA. */
export interface Attempt {
  readonly recipient: string
  /** To RCPT, or to MAIL where that was refused. */
  readonly reply: Reply
}

/** One connection to a backend, each step of which has a time limit of its own. No message is ever sent in it. */
export class Visit {
  private readonly dialogue: BackendDialogue
  private readonly behind: Behind
  private readonly patience: Patience
  private readonly end = new AbortController()

  constructor(behind: Behind, { hostname, patience }: Surroundings, as: Address | 'gate' | 'nobody') {
    const inAll = patience.connect + patience.greeting + 20 * patience.reply
    this.behind = behind
    this.patience = patience
    const { backend } = behind
    this.dialogue = BackendDialogue.begin({ backend, hostname, as, patience: inAll, signal: this.end.signal })
  }

  connected(): Promise<Timed<void>> {
    return this.step(this.patience.connect, () => this.dialogue.connected())
  }

  greeting(): Promise<Timed<Reply>> {
    return this.step(this.patience.greeting, () => this.dialogue.greeting())
  }

  hello(): Promise<Timed<readonly string[]>> {
    return this.step(this.patience.reply, () => this.dialogue.hello())
  }

  secure(): Promise<Timed<TLSSocket>> {
    // What its certificate is worth is a finding, and not the end.
    return this.step(this.patience.reply, () => this.dialogue.secure({ ...this.behind.tls, mode: 'opportunistic' }))
  }

  /** From the connection to the last EHLO, as a session of the gate begins. */
  async introduce(): Promise<Timed<readonly string[]>> {
    const connected = await this.connected()
    if ('fault' in connected) return connected
    const greeting = await this.greeting()
    const before = connected.ms + greeting.ms
    if ('fault' in greeting) return { ...greeting, ms: before }
    const agreed = await this.step(3 * this.patience.reply, () => this.dialogue.agree(this.behind.tls))
    return { ...agreed, ms: before + agreed.ms }
  }

  /** XCLIENT in the name of a client, and EHLO again. */
  claim(client: Address): Promise<Timed<readonly string[]>> {
    return this.step(3 * this.patience.reply, async () => {
      const address = client.family === 6 ? `IPV6:${client.text}` : client.text
      await this.dialogue.claim([
        ['NAME', '[UNAVAILABLE]'],
        ['REVERSE_NAME', '[UNAVAILABLE]'],
        ['PROTO', 'ESMTP'],
        ['ADDR', address],
      ])
      return this.dialogue.hello()
    })
  }

  /**
   * Asks for mail to be relayed to each of the recipients, and takes it back. The sender is the null one, whose domain nobody
   * can hold against us.
   */
  relay(recipients: readonly string[]): Promise<Timed<readonly Attempt[]>> {
    return this.step(3 * this.patience.reply, async () => {
      const attempts: Attempt[] = []
      for (const recipient of recipients) {
        const mail = await this.dialogue.say('MAIL FROM:<>')
        const reply = mail.code === 250 ? await this.dialogue.say(`RCPT TO:<${recipient}>`) : mail
        attempts.push({ recipient, reply })
        if (reply.code === 421) break
        await this.dialogue.say('RSET')
      }
      return attempts
    })
  }

  quit(): Promise<Timed<Reply>> {
    return this.step(this.patience.reply, () => this.dialogue.say('QUIT'))
  }

  /** The first line of its reply to EHLO; some servers name the client there. */
  get welcome(): string {
    return this.dialogue.welcome
  }

  leave(): void {
    this.dialogue.leave()
  }

  close(): void {
    this.dialogue.end()
  }

  private async step<T>(limit: number, step: () => Promise<T>): Promise<Timed<T>> {
    const late = setTimeout(() => this.end.abort(`no answer in ${limit / 1000} s`), limit)
    try {
      return await timed(step)
    } finally {
      clearTimeout(late)
    }
  }
}
