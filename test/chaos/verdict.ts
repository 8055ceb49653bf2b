// What became of every message, by the mailboxes and the logs of the servers around the gates. The gates' own word can only speak against them.
//
// A copy is known by the id that the backend gave it when it answered 250. The sender's log has the id of each 250 that it heard. A copy that it
// did not hear of is excused only where no gate has logged it as taken, and its session ended with a gate that was killed, or with a backend that was stopped:
// the client's port leads from the id in the backend's log to the session's line in HAProxy's, which has the gate and the end to the ms.

import type { Absence } from './storm.ts'

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
export interface Duplicate {
  readonly id: string
  readonly queueId: string
  /** Whose end took the 250 along; null: nobody's, and so it is a fault. */
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
  const sessions = sessionsOf(evidence)
  const logged = new Set(
    matches(evidence.gateLogs, /"queue_ids":\[([^\]]*)\]/g).flatMap(([, ids = '']) => ids.match(/\w+/g) ?? []),
  )
  const excuse = (queueId: string): Pick<Duplicate, 'excuse' | 'why'> =>
    logged.has(queueId)
      ? { excuse: null, why: 'a gate that lived on heard its 250' }
      : excuseOf(sessions.get(queueId), evidence.absences)
  const duplicates: Duplicate[] = []
  for (const [id, queueIds] of copies) {
    const unheard = [...queueIds].filter(queueId => !heard.has(queueId))
    for (const queueId of unheard.slice(queueIds.size > unheard.length ? 0 : 1)) {
      duplicates.push({ id, queueId, ...excuse(queueId) })
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

/** A session as HAProxy saw it; times in ms since 1970. */
interface Session {
  readonly gate: string
  readonly begun: number
  readonly ended: number
}

/** The session of each id that the backend gave. */
function sessionsOf({ backendLog, haproxyLog }: Evidence): Map<string, Session> {
  const byPort = new Map<string, Session[]>()
  // option tcplog: client:port [time of the accept] frontend backend/server Tw/Tc/Tt …
  const line = /127\.0\.0\.1:(\d+) \[(\d+)\/(\w+)\/(\d+):([\d:.]+)\] smtp gates\/(\w+) -?\d+\/-?\d+\/(\d+) /g
  for (const [, port = '', day, month, year, time, gate = '', lasted] of matches(haproxyLog, line)) {
    const begun = Date.parse(`${day} ${month} ${year} ${time}`)
    const known = byPort.get(port) ?? []
    byPort.set(port, [...known, { gate, begun, ended: begun + Number(lasted) }])
  }
  const sessions = new Map<string, Session>()
  const taken = /^(\w+ +\d+ [\d:]+) .* (\w+): client=\S+:(\d+)$/gm
  for (const [, time = '', queueId = '', port = ''] of matches(backendLog, taken)) {
    // A port serves again and again; the log's time is in whole seconds.
    const at = Date.parse(`${time} ${new Date().getFullYear()}`)
    const its = byPort.get(port)?.find(({ begun, ended }) => begun < at + 1_000 && ended >= at)
    if (its !== undefined) sessions.set(queueId, its)
  }
  return sessions
}

/** How much later HAProxy may notice the end of what was killed, ms, on a machine with much else to do. */
const late = 1_000

function excuseOf(session: Session | undefined, absences: readonly Absence[]): Pick<Duplicate, 'excuse' | 'why'> {
  if (session === undefined) return { excuse: null, why: 'HAProxy has no session of it' }
  const { gate, begun, ended } = session
  const death = absences.find(
    ({ victim, from, gone }) => victim === gate && begun <= gone && ended >= from - 2 && ended <= gone + late,
  )
  if (death !== undefined)
    return { excuse: 'gate', why: `${gate} ${death.kind}: its session ended ${ended - death.from} ms later` }
  const stop = absences.find(
    ({ victim, from, gone }) => victim === 'backend' && begun <= gone && ended >= from - 2 && ended <= gone + late,
  )
  if (stop !== undefined)
    return { excuse: 'backend', why: `the backend was stopped ${ended - stop.from} ms before its session ended` }
  return {
    excuse: null,
    why: `its session at ${gate} ended at ${new Date(ended).toISOString()}, when nothing was away`,
  }
}

const matches = (text: string, pattern: RegExp): RegExpExecArray[] => [...text.matchAll(pattern)]
