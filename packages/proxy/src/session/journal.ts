import { type Aftermath, type Instant, isWorse, type Moment, never, type Verdict } from '@sallyport/rules'
import { enhancedCode, isPositive, queueId, type Reply, replyText } from '../smtp/reply.ts'
import type { Asked } from './port.ts'

/** How a session ended, as the log says it. */
export type Ending =
  | 'quit'
  | 'hangup'
  | 'verdict'
  | 'timeout'
  | 'limit'
  | 'shed'
  | 'drain'
  | 'backend closed'
  | 'backend out of step'
  | 'data without recipient'
  | 'passed through'
  | 'health check'
  | 'error'

/** A wait in which a client may leave: the pause before the greeting, that before a reply, the trap. */
type LeftIn = 'greet' | Moment | 'other' | 'trap'

/** How much of an envelope is kept for the log. */
const kept = { recipients: 10, queueIds: 10, condemned: 10, reply: 200, path: 320, heard: 12 } as const

/** What happened in one session, for its log line and the counters. Decides nothing. */
export class Journal {
  ending: Ending | null = null
  /** What the log says beyond the ending, e.g. which reply of the backend was waited for. */
  detail = ''
  /** The first line of a greeting has been sent, ahead of the pause. */
  teased = false
  greetedAt: Instant = never
  /** The gate began to connect to the backend. */
  openedAt: Instant = never
  /** The backend answered the client for the first time. */
  relayedAt: Instant = never
  endedAt: Instant = never
  /** Recipients that the store has noted, and that have to wait. */
  greylisted = 0
  /** The client was made to wait so long in all, ms. */
  waited = 0
  /** The answer to the latest command was held back for so long, ms. */
  held = 0
  /** In which wait of ours it left; null: it did not leave in one. */
  leftIn: LeftIn | null = null
  /** After so long of that, ms. */
  leftAfter = 0

  reversePath: string | null = null
  /** The present transaction has asked for a recipient that a check may turn away: not for postmaster or abuse alone. */
  asksOthers = false
  /** Created at the first recipient. */
  forwardPaths: string[] | null = null
  recipients = 0

  accepted = 0
  deferred = 0
  refused = 0
  aborted = 0
  queueIds: string[] | null = null

  octetsFromClient = 0
  octetsToBackend = 0
  octetsFromBackend = 0

  /** What the backend has said since a check failed; null: nothing, or none has. */
  aftermath: Aftermath | null = null

  /** The names of senders (senderIdentity) of whom the backend refused a message for its content; null: of none. */
  condemned: Set<string> | null = null

  /** The latest refusal that was the gate's own, as far as it was said. */
  gateReply: string | null = null
  /** The backend's latest reply to an end of data, or its latest refusal. */
  backendReply: string | null = null
  /** How often the backend said what to MAIL, RCPT and the end of data, as `rcpt 550 5.1.1`; null: nothing. */
  heard: Map<string, number> | null = null
  /** The worst that was said to a recipient; null: none was screened. */
  private screened: Verdict | null = null
  /** One was let in. */
  private admitted = false

  recipient(path: string): void {
    this.recipients++
    this.forwardPaths ??= []
    if (this.forwardPaths.length < kept.recipients) this.forwardPaths.push(path.slice(0, kept.path))
  }

  /** The client has left in a wait of ours that began at `since`. */
  left(where: LeftIn, since: Instant, now: Instant): void {
    this.leftIn = where
    this.leftAfter = now - since
  }

  sender(path: string): void {
    this.reversePath = path.slice(0, kept.path)
  }

  /** A recipient was decided upon. */
  screen(verdict: Verdict): void {
    if (verdict.action === 'none') this.admitted = true
    if (this.screened === null || isWorse(verdict, this.screened)) this.screened = verdict
  }

  /** The worst of what was said to recipients, and of this. */
  worst(verdict: Verdict): Verdict {
    return this.screened !== null && isWorse(this.screened, verdict) ? this.screened : verdict
  }

  /** What became of the session: what was said of it, or, where no recipient was let in, the worst of what was said to them. */
  upshot(verdict: Verdict): Verdict {
    return this.admitted ? verdict : this.worst(verdict)
  }

  /** A reply of the backend, whatever is made of it. */
  hear(to: Asked | null, reply: Reply): void {
    if (to !== 'mail' && to !== 'rcpt' && to !== 'dot') return
    this.heard ??= new Map()
    const enhanced = enhancedCode(reply)
    const said = enhanced === null ? `${to} ${reply.code}` : `${to} ${reply.code} ${enhanced}`
    if (this.heard.size < kept.heard || this.heard.has(said)) this.heard.set(said, (this.heard.get(said) ?? 0) + 1)
  }

  /** Keeps a refusal, and gives it back. */
  refusal(text: string): string {
    this.gateReply = text.trimEnd().slice(0, kept.reply)
    return text
  }

  condemn(name: string | null): void {
    if (name === null) return
    this.condemned ??= new Set()
    if (this.condemned.size < kept.condemned) this.condemned.add(name)
  }

  backendSaid(reply: Reply): void {
    this.backendReply = `${reply.code} ${replyText(reply).slice(4)}`.slice(0, kept.reply)
  }

  /** The backend's reply to an end of data. */
  message(reply: Reply): void {
    this.backendSaid(reply)
    if (!isPositive(reply)) {
      if (reply.code >= 500) this.refused++
      else this.deferred++
      return
    }
    this.accepted++
    const id = queueId(reply)
    if (id === null) return
    this.queueIds ??= []
    if (this.queueIds.length < kept.queueIds) this.queueIds.push(id)
  }
}
