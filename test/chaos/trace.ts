// Where a copy that the backend took came from, and how its session ended: followed through the logs of the servers around the gates.

import type { Absence } from './storm.ts'
import type { Evidence } from './verdict.ts'

/** A copy on its way, by the id that the backend gave it. */
export interface Trace {
  /** How the backend's smtpd ended the session: it had answered the message with 250 and lived on, or it was ended itself before it could say. */
  readonly backend: 'answered' | 'ended' | 'refused'
  readonly gate: string
  /** Of the session at HAProxy, ms since 1970. */
  readonly begun: number
  readonly ended: number
  /** The gate has logged that the backend was gone from under this session. */
  readonly lostBackend: boolean
}

/** A session as HAProxy saw it; times in ms since 1970. */
interface Session {
  readonly gate: string
  readonly begun: number
  readonly ended: number
}

export const matches = (text: string, pattern: RegExp): RegExpExecArray[] => [...text.matchAll(pattern)]

/** The traces of all ids that the backend gave last in their sessions; of one that is not there nothing is known, or its client went on. */
export function tracesOf(evidence: Evidence): Map<string, Trace> {
  const sessions = sessionsOf(evidence.haproxyLog)
  const lost = lostBackends(evidence.gateLogs)
  const traces = new Map<string, Trace>()
  for (const { queueId, port, at, end } of takenOf(evidence.backendLog)) {
    // A port serves again and again; the log's time is in whole seconds.
    const session = sessions.get(port)?.find(({ begun, ended }) => begun < at + 1_000 && ended >= at)
    if (session === undefined) continue
    const isLost = lost.get(port)?.some(time => time >= session.begun && time <= session.ended + logged) ?? false
    traces.set(queueId, { ...session, backend: end, lostBackend: isLost })
  }
  return traces
}

/** How much later a gate's line may say that a session has ended, ms. */
const logged = 1_000

interface Taken {
  readonly queueId: string
  readonly port: string
  readonly at: number
  readonly end: Trace['backend']
}

/** What each smtpd took last before its session's end, and that end. */
function* takenOf(backendLog: string): Generator<Taken> {
  const open = new Map<string, Omit<Taken, 'end'>>()
  const line =
    /^(\w+ +\d+ [\d:]+) \S+ proxy\/smtpd\[(\d+)\]: (?:(\w+): client=\S+:(\d+)|(connect|disconnect) from \S+(.*))$/gm
  for (const [, time = '', pid = '', queueId, port = '', event, counts = ''] of matches(backendLog, line)) {
    const last = open.get(pid)
    if (queueId !== undefined) {
      open.set(pid, { queueId, port, at: Date.parse(`${time} ${new Date().getFullYear()}`) })
    } else if (last !== undefined) {
      open.delete(pid)
      // "data=1" counts those with a good answer, "data=0/1" one that had none. The next "connect" of a pid: the number was given anew.
      if (event === 'connect') yield { ...last, end: 'ended' }
      else yield { ...last, end: / data=\d+(?: |$)/.test(counts) ? 'answered' : 'refused' }
    }
  }
  for (const last of open.values()) yield { ...last, end: 'ended' }
}

/** By the client's port. */
function sessionsOf(haproxyLog: string): Map<string, Session[]> {
  const byPort = new Map<string, Session[]>()
  // option tcplog: client:port [time of the accept] frontend backend/server Tw/Tc/Tt …
  const line = /127\.0\.0\.1:(\d+) \[(\d+)\/(\w+)\/(\d+):([\d:.]+)\] smtp gates\/(\w+) -?\d+\/-?\d+\/(\d+) /g
  for (const [, port = '', day, month, year, time, gate = '', lasted] of matches(haproxyLog, line)) {
    const begun = Date.parse(`${day} ${month} ${year} ${time}`)
    const known = byPort.get(port) ?? []
    byPort.set(port, [...known, { gate, begun, ended: begun + Number(lasted) }])
  }
  return byPort
}

/** When gates logged that a session ended as its backend was gone, ms since 1970, by the client's port. */
function lostBackends(gateLogs: string): Map<string, number[]> {
  const byPort = new Map<string, number[]>()
  const line = /"time":"([^"]+)","event":"session"[^\n]*"port":(\d+)[^\n]*"ending":"backend closed"/g
  for (const [, time = '', port = ''] of matches(gateLogs, line)) {
    byPort.set(port, [...(byPort.get(port) ?? []), Date.parse(time)])
  }
  return byPort
}

/** How often the sender of a message did not hear what became of its end: by Message-ID. */
export function unansweredOf(senderLog: string): Map<string, number> {
  const ids = new Map(
    matches(senderLog, /cleanup\[\d+\]: (\w+): message-id=<(\S+)>/g).map(([, own = '', id = '']) => [own, id]),
  )
  const counts = new Map<string, number>()
  // A 421 there says as little as a connection that is lost: the server goes.
  const line =
    /: (\w+): to=.*status=deferred \((?:lost connection with .* while sending end of data|host \S+ said: 421 .*in reply to end of DATA)/g
  for (const [, own = ''] of matches(senderLog, line)) {
    const id = ids.get(own) ?? ''
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

/** The absence of a victim that this session met at its beginning: it was open then, and not for much longer. */
export function metBy({ begun, ended }: Session, victim: string, absences: readonly Absence[]): Absence | undefined {
  return absences.find(
    absence =>
      absence.victim === victim &&
      begun <= absence.gone &&
      ended >= absence.from - rounding &&
      ended <= absence.gone + late,
  )
}

/** HAProxy's times are in whole ms, its two parts rounded each, ms. */
const rounding = 2

/** How much later HAProxy may notice the end of what was killed, ms, on a machine with much else to do. */
const late = 1_000
