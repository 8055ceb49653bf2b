// What became of every message, by the mailboxes and the logs of the servers around the gates. The gates' own word can only speak against them.
//
// A copy is known by the id that the backend gave it when it took it. The sender's log has the id of each 250 that it heard. A copy that it did not
// hear of is excused only where all of this is so:
//
// - The sender waited for the reply to the end of that message in vain, once for each such copy.
// - No gate has logged it as taken.
// - It was the last of its session, and that session was open when something died: the client's port leads from the id in the backend's log to
//   the session's line in HAProxy's, which has the gate, and the end to the ms.
// - What died was the gate, and the backend's log says that the message was answered with 250: that was in flight. Or it was the backend's smtpd,
//   which has no end of the session in its log: it was stopped between taking the message and saying so. No gate can help that, nor any mail server
//   in its place; such copies are counted apart. The gate, too, must have logged that its backend was gone, or be dead.
//
// Anything else fails.

import type { Absence } from './storm.ts'
import { matches, metBy, type Trace, tracesOf, unansweredOf } from './trace.ts'

/** What is left behind when the chain has drained. */
export interface Evidence {
  /** The Message-IDs of all messages that the sender took. */
  readonly ids: readonly string[]
  /** What lies in the backend's mailboxes. */
  readonly mailboxes: readonly string[]
  readonly senderLog: string
  readonly backendLog: string
  readonly haproxyLog: string
  /** Of both gates, in all their runs. */
  readonly gateLogs: string
  readonly absences: readonly Absence[]
}

/** A copy too many: the backend had taken it, and its 250 did not reach the sender. */
interface Duplicate {
  readonly id: string
  readonly queueId: string
  /** `gate`: the 250 was in flight when it was killed; `backend`: stopped before it could say 250; null: a fault. */
  readonly excuse: 'gate' | 'backend' | null
  readonly why: string
}

export interface Verdict {
  /** Ids that lie in no mailbox. */
  readonly lost: readonly string[]
  /** Lines of the sender's log by which it gave a message up. */
  readonly refused: readonly string[]
  readonly duplicates: readonly Duplicate[]
  /** Copies that the backend made by itself of one that it had taken once: it was stopped while it delivered. */
  readonly backendsOwn: number
}

export function judge(evidence: Evidence): Verdict {
  const copies = copiesOf(evidence.mailboxes)
  const heard = new Set(matches(evidence.senderLog, /status=sent \(250 .*queued as (\w+)\)/g).map(([, id]) => id))
  const excuse = excuses(evidence)
  const duplicates: Duplicate[] = []
  for (const [id, queueIds] of copies) {
    const unheard = [...queueIds].filter(queueId => !heard.has(queueId))
    for (const queueId of unheard.slice(queueIds.size > unheard.length ? 0 : 1)) {
      duplicates.push({ id, queueId, ...excuse(id, queueId) })
    }
    // Two that it heard of: it was told 250 and sent again, or was told twice. Nothing excuses that.
    const told = [...queueIds].filter(queueId => heard.has(queueId))
    for (const queueId of told.slice(1)) duplicates.push({ id, queueId, excuse: null, why: 'the sender heard its 250' })
  }
  const distinct = [...copies.values()].reduce((sum, queueIds) => sum + queueIds.size, 0)
  return {
    lost: evidence.ids.filter(id => !copies.has(id)),
    refused: evidence.senderLog.split('\n').filter(line => /status=(?:bounced|expired)/.test(line)),
    duplicates,
    backendsOwn: evidence.mailboxes.length - distinct,
  }
}

type Excuse = Pick<Duplicate, 'excuse' | 'why'>

/** Asks for the excuse of a copy, once for each: an end that the sender did not hear excuses one. */
function excuses(evidence: Evidence): (id: string, queueId: string) => Excuse {
  const traces = tracesOf(evidence)
  const unanswered = unansweredOf(evidence.senderLog)
  const logged = new Set(
    matches(evidence.gateLogs, /"queue_ids":\[([^\]]*)\]/g).flatMap(([, ids = '']) => ids.match(/\w+/g) ?? []),
  )
  return (id, queueId) => {
    if (logged.has(queueId)) return { excuse: null, why: 'a gate that lived on heard its 250' }
    const left = unanswered.get(id) ?? 0
    if (left === 0) return { excuse: null, why: 'the sender waited for no end of it in vain' }
    unanswered.set(id, left - 1)
    const trace = traces.get(queueId)
    if (trace === undefined) return { excuse: null, why: 'its session is not to be found, or it went on' }
    return excuseOf(trace, evidence.absences)
  }
}

function excuseOf(trace: Trace, absences: readonly Absence[]): Excuse {
  const { gate, ended, backend, lostBackend } = trace
  const death = metBy(trace, gate, absences)
  const after = (at: number) => `its session ended ${ended - at} ms later`
  switch (backend) {
    case 'refused':
      return { excuse: null, why: 'the backend says that it did not take it' }
    case 'answered':
      if (death !== undefined) return { excuse: 'gate', why: `answered; ${gate} ${death.kind}: ${after(death.from)}` }
      return { excuse: null, why: `answered; ${gate} lived when its session ended at ${new Date(ended).toISOString()}` }
    case 'ended': {
      const stop = metBy(trace, 'backend', absences)
      if (stop === undefined) return { excuse: null, why: 'its smtpd came to no end, and the backend was not stopped' }
      if (!lostBackend && death === undefined)
        return { excuse: null, why: `${gate} lived, and has not lost its backend` }
      return { excuse: 'backend', why: `its smtpd was stopped: ${after(stop.from)}` }
    }
    default:
      return backend satisfies never
  }
}

/** Nothing lost or refused for good, and an excuse for every duplicate. */
export function isGood({ lost, refused, duplicates }: Verdict): boolean {
  return lost.length === 0 && refused.length === 0 && duplicates.every(({ excuse }) => excuse !== null)
}

/** Of every Message-ID the ids that the backend gave its copies. */
function copiesOf(mailboxes: readonly string[]): Map<string, Set<string>> {
  const copies = new Map<string, Set<string>>()
  for (const text of mailboxes) {
    const id = /^Message-ID: <(\S+)>/m.exec(text)?.[1] ?? ''
    const queueId = /by mail\.example\.test \(Postfix\) with \w+ id (\w+)/.exec(text)?.[1] ?? ''
    const queueIds = copies.get(id) ?? new Set()
    copies.set(id, queueIds.add(queueId))
  }
  return copies
}
