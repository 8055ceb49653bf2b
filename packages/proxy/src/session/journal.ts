import { type Instant, type Moment, never } from '@sallyport/rules'
import { isPositive, queueId, type Reply, replyText } from '../smtp/reply.ts'

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
export type LeftIn = 'greet' | Moment | 'other' | 'trap'

/** How much of an envelope is kept for the log. */
const kept = { recipients: 10, queueIds: 10, reply: 200, path: 320 } as const

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
  /** The client was made to wait so long in all, ms. */
  waited = 0
  /** In which wait of ours it left; null: it did not leave in one. */
  leftIn: LeftIn | null = null
  /** After so long of that, ms. */
  leftAfter = 0

  reversePath: string | null = null
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

  /** The latest refusal that was the gate's own. */
  gateReply: string | null = null
  /** The backend's latest reply to an end of data, or its latest refusal. */
  backendReply: string | null = null

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

  /** Keeps a refusal, and gives it back. */
  refusal(text: string): string {
    this.gateReply = text.trimEnd().slice(0, kept.reply)
    return text
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
