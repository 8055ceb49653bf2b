import { type Aftermath, type CheckName, type Instant, never } from '@sallyport/rules'
import { isPositive, queueId, type Reply, replyText } from '../smtp/reply.ts'

/** How a session ended, as the log says it. */
export type Ending =
  | 'quit'
  | 'hangup'
  | 'verdict'
  | 'timeout'
  | 'limit'
  | 'drain'
  | 'backend closed'
  | 'backend out of step'
  | 'data without recipient'
  | 'passed through'
  | 'health check'
  | 'error'

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
  /** The client was made to wait so long in all, ms, and left after so long of a wait; -1: it did not leave in one. */
  waited = 0
  leftAfter = -1

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

  /** What the backend has said since a check failed; null: nothing, or none has. */
  aftermath: Aftermath | null = null
  /** The check for which a recipient was last turned away; null: none was. */
  turnedAwayFor: CheckName | null = null

  /** The latest refusal that was the gate's own. */
  gateReply: string | null = null
  /** The backend's latest reply to an end of data, or its latest refusal. */
  backendReply: string | null = null

  recipient(path: string): void {
    this.recipients++
    this.forwardPaths ??= []
    if (this.forwardPaths.length < kept.recipients) this.forwardPaths.push(path.slice(0, kept.path))
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
