import type { Ask, Asked, Port, Reached } from '@sallyport/proxy/session/port.js'
import type { Session } from '@sallyport/proxy/session/session.js'

/** What a session did to the world. Adjacent octets to the same side at the same instant are one entry. */
export interface Deed {
  readonly at: number
  readonly kind: 'S:' | 'B>' | 'ask' | 'open' | 'reopen' | 'secure' | 'trap' | 'abandon' | 'close' | 'concluded'
  readonly text: string
}

/** A port that writes everything down. */
export class Recorder implements Port {
  readonly deeds: Deed[] = []
  now = 0
  toClient = ''
  toBackend = ''
  isFull = false
  conclusions = 0
  reachedAs: Reached[] = []
  waits: string[] = []
  /** Places in the trap. */
  traps = 0
  /** Octets that were said to a trapped client and read of it. */
  spent = 0
  /** Backends that are left to be tried. */
  servers = 0

  send(text: string): void {
    this.toClient += text
    this.note('S:', text)
  }
  command(text: string): void {
    this.toBackend += text
    this.note('B>', text)
  }
  message(octets: Uint8Array): void {
    this.command(Buffer.from(octets).toString('latin1'))
  }
  ask(ask: Ask): void {
    this.note('ask', ask)
  }
  octets(octets: Uint8Array): void {
    this.send(Buffer.from(octets).toString('latin1'))
  }
  open(group: string | null): void {
    this.note('open', group ?? '')
  }
  reopen(): boolean {
    if (this.servers === 0) return false
    this.servers--
    this.note('reopen', '')
    return true
  }
  secureClient(): void {
    this.note('secure', 'client')
  }
  secureBackend(): void {
    this.note('secure', 'backend')
  }
  reached(result: Reached): void {
    this.reachedAs.push(result)
  }
  replied(to: Asked, wait: number): void {
    this.waits.push(`${to}=${wait}`)
  }
  trap(suspicion: number): boolean {
    this.note('trap', String(suspicion))
    return this.traps-- > 0
  }
  trapped(octets: number): void {
    this.spent += octets
  }
  abandon(): void {
    this.note('abandon', '')
  }
  close(): void {
    this.note('close', '')
  }
  concluded(_session: Session): void {
    this.conclusions++
  }

  private note(kind: Deed['kind'], text: string): void {
    const last = this.deeds.at(-1)
    if (last !== undefined && last.kind === kind && last.at === this.now && (kind === 'S:' || kind === 'B>')) {
      this.deeds[this.deeds.length - 1] = { ...last, text: last.text + text }
    } else this.deeds.push({ at: this.now, kind, text })
  }
}
