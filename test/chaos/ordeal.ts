import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Owner } from '../support/owner.ts'
import type { Postfix } from '../support/postfix.ts'
import { startChain } from './chain.ts'
import { victims } from './fault.ts'
import { idOf, post } from './post.ts'
import { type Absence, Storm } from './storm.ts'
import { isGood, judge, type Verdict } from './verdict.ts'

export interface Order {
  readonly messages: number
  /** Of the faults: the same seed, the same faults. */
  readonly seed: number
  /** Messages a second. */
  readonly rate: number
}

export interface Outcome {
  readonly order: Order
  readonly verdict: Verdict
  readonly absences: readonly Absence[]
  /** From when all was back until both queues were empty, ms; null: they were not in time. */
  readonly drained: number | null
  /** In the sender's queue when all was back. */
  readonly waiting: number
  /** Why attempts had to be made again, by how often. */
  readonly deferrals: ReadonlyMap<string, number>
}

/** How long both queues may take to be empty when all is back, ms, on a machine with much else to do. */
const patienceWith = (messages: number): number => 60_000 + messages * 50

/** Reasons that are reported, the commonest first. */
const mostReasons = 12

/** Sends all messages through the chain while the faults of the seed befall it, lets it drain, and judges. */
export async function ordeal(owner: Owner, order: Order): Promise<Outcome> {
  const chain = await startChain(owner)
  const { sender, backend, haproxy } = chain
  const storm = new Storm(chain, order.seed)
  await post(owner, sender, order.messages, order.rate)
  await storm.stop()
  const back = performance.now()
  const waiting = await queued(sender)
  const patience = patienceWith(order.messages)
  const isDrained = async () => (await queued(sender)) + (await queued(backend)) === 0
  while (!(await isDrained()) && performance.now() < back + patience) await sleep(100)
  const drained = (await isDrained()) ? performance.now() - back : null
  // HAProxy writes the last session's line at its end, Postfix's log is written by a daemon of its own.
  await sleep(500)
  const senderLog = await sender.log()
  const verdict = judge({
    ids: Array.from({ length: order.messages }, (_, number) => idOf(number)),
    mailboxes: await backend.messages(),
    senderLog,
    backendLog: await backend.log(),
    haproxyLog: await haproxy.log(),
    gateLogs: Object.values(chain.gates)
      .map(gate => gate.output())
      .join('\n'),
    absences: storm.absences,
  })
  return { order, verdict, absences: storm.absences, drained, waiting, deferrals: deferralsIn(senderLog) }
}

/** The reasons in a sender's log, without what is of one session alone. */
function deferralsIn(log: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [, why = ''] of log.matchAll(/status=deferred \((.*)\)$/gm)) {
    const reason = why.replace(/\bref=\w+|127\.0\.0\.1\S*/g, '…')
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return counts
}

/**
 * Messages in a server's queue: whole ones, which Postfix marks as executable (cleanup(8), postdrop(1)). Of a server that was stopped in the middle of one the
 * beginning stays for hours, and was never answered 250.
 */
async function queued(server: Postfix): Promise<number> {
  const folders = ['maildrop', 'incoming', 'active', 'deferred']
  const names = folders.map(folder =>
    readdir(join(server.directory, 'queue', folder), { recursive: true, withFileTypes: true }),
  )
  // One that is moved while we look may be seen in no folder or in two; the next look is right.
  const entries = (await Promise.all(names)).flat().filter(entry => entry.isFile())
  const whole = entries.map(async ({ parentPath, name }) => {
    try {
      return ((await stat(join(parentPath, name))).mode & 0o100) !== 0
    } catch {
      // It is not there any more.
      return false
    }
  })
  return (await Promise.all(whole)).filter(isWhole => isWhole).length
}

export function isPassed({ verdict, drained }: Outcome): boolean {
  return isGood(verdict) && drained !== null
}

/** The outcome as people read it. */
export function report({ order, verdict, absences, drained, waiting, deferrals }: Outcome): string {
  const { lost, refused, duplicates, backendsOwn } = verdict
  const by = (excuse: 'gate' | 'backend' | null) => duplicates.filter(duplicate => duplicate.excuse === excuse)
  const faults = victims.map(victim => {
    const kinds = absences.filter(absence => absence.victim === victim).map(({ kind }) => kind)
    const counts = [...new Set(kinds)].map(kind => `${kind} ${kinds.filter(each => each === kind).length} times`)
    return `${victim} ${counts.join(', ') || 'unhurt'}`
  })
  const each = duplicates.map(({ id, queueId, why }) => `  ${id} as ${queueId}: ${why}`)
  const drain =
    drained === null
      ? `not drained within ${patienceWith(order.messages) / 1_000} s`
      : `drained in ${(drained / 1_000).toFixed(1)} s`
  return [
    `seed ${order.seed}: ${order.messages} messages, ${order.rate} a second`,
    `faults: ${faults.join('; ')}`,
    'attempts to be made again:',
    ...[...deferrals]
      .sort(([, a], [, b]) => b - a)
      .slice(0, mostReasons)
      .map(([why, count]) => `  ${count} times: ${why}`),
    `lost: ${lost.length} ${lost.slice(0, 20).join(' ')}`.trimEnd(),
    `refused for good: ${[refused.length, ...refused.slice(0, 5)].join('\n  ')}`,
    `duplicates: ${duplicates.length}; a 250 in flight when a gate was killed: ${by('gate').length}, the backend stopped before it could say 250: ${by('backend').length}, without an excuse: ${by(null).length}`,
    ...each,
    `copies that the backend made by itself: ${backendsOwn}`,
    `${waiting} in the queue when all was back; ${drain}`,
  ].join('\n')
}
