// All dialogues by one way, and what became of each: what the client heard, what Postfix wrote of it, and what arrived.

import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningGate } from '../support/gate.ts'
import type { Postfix } from '../support/postfix.ts'
import { type Exchange, hold } from './exchange.ts'
import { naming, normalLog, normalMessage } from './normal.ts'
import type { Script } from './script.ts'

/** How clients reach Postfix. */
export interface Way {
  /** null: Postfix itself, without a gate. */
  readonly gate: RunningGate | null
  readonly port: number
  /** The first half of the clients' addresses, `127.1`. */
  readonly network: string
  /** What every client has done on a connection before; of that nothing counts. */
  readonly before: Script | null
}

export interface Outcome {
  readonly exchanges: readonly Exchange[]
  /** What Postfix logged of the client's recipients, refused and taken, and of its messages; sorted. */
  readonly log: readonly string[]
  /** The messages that were delivered, notifications too. */
  readonly messages: readonly string[]
}

/** Dialogues at a time, by one way. */
const atATime = 8
const patienceMs = 20_000

/** Holds every dialogue, each as a client of its own; gives the outcomes in their order. */
export async function campaign(scripts: readonly Script[], way: Way, postfix: Postfix): Promise<readonly Outcome[]> {
  const address = (i: number) => `${way.network}.${(i + 1) >> 8}.${(i + 1) & 255}`
  const addresses = scripts.map((_, i) => address(i))
  const holdAll = (choose: (i: number) => Script) =>
    inParallel(scripts, (_, i) => hold(choose(i), { port: way.port, address: address(i) }))
  const { before } = way
  if (before !== null) {
    await holdAll(() => before)
    await settled(way, postfix, addresses, 1)
  }
  const begin = (await postfix.log()).length
  const held = await holdAll(i => scripts[i] as Script)
  await settled(way, postfix, addresses, before === null ? 1 : 2)
  const log = (await delivered(postfix, begin)).split('\n')
  const messages = await postfix.messages()
  return held.map((exchanges, i) => outcome(exchanges, address(i), log, messages))
}

async function inParallel<T, R>(items: readonly T[], work: (item: T, i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T, i)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return results
}

/** Until every session of these clients has ended, on both sides of the gate. */
async function settled(way: Way, postfix: Postfix, addresses: readonly string[], sessions: number): Promise<void> {
  const open = async () => {
    const [log, ended] = [await postfix.log(), way.gate?.log().map(({ client }) => client) ?? null]
    return addresses.filter(address => {
      const here = log.split(`: connect from unknown[${address}]`).length
      const gone = log.split(`: disconnect from unknown[${address}]`).length
      const told = ended === null ? here - 1 : ended.filter(client => client === address).length
      return here !== gone || told < sessions
    })
  }
  await until(
    async () => (await open()).length === 0,
    async () => `still open: ${await open()}`,
  )
}

/** The log from `begin` on, once every message that was taken has left the queue. */
async function delivered(postfix: Postfix, begin: number): Promise<string> {
  let log = ''
  const queued = async () => {
    log = (await postfix.log()).slice(begin)
    const ids = [...log.matchAll(/\/qmgr\[\d+\]: (\w+): from=/g)].map(match => match[1] ?? '')
    return ids.filter(id => !log.includes(`: ${id}: removed`))
  }
  await until(
    async () => (await queued()).length === 0,
    async () => `still queued: ${await queued()}`,
  )
  return log
}

async function until(isSo: () => Promise<boolean>, otherwise: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(await otherwise())
    await sleep(50)
  }
}

function outcome(
  exchanges: readonly Exchange[],
  address: string,
  log: readonly string[],
  messages: readonly string[],
): Outcome {
  const own = (pattern: RegExp) =>
    log.filter(line => line.includes(`[${address}]`)).flatMap(line => pattern.exec(line)?.[1] ?? [])
  const ids = own(/: (\w+): client=/)
  for (const id of ids) {
    const notification = new RegExp(`: ${id}: sender .*notification: (\\w+)$`)
    ids.push(...log.flatMap(line => notification.exec(line)?.[1] ?? []))
  }
  const named = naming(ids, address)
  const isOf = (line: string) =>
    (line.includes(`[${address}]`) && /: reject: |: client=/.test(line)) ||
    ids.some(id => new RegExp(`: ${id}: (?:from|to)=`).test(line))
  const arrived = (id: string) => messages.filter(text => /\bid (\w+)/.exec(text)?.[1] === id)
  return {
    exchanges: exchanges.map(({ told, replies, closed }) => ({ told, replies: replies.map(named), closed })),
    log: log
      .filter(isOf)
      .map(line => normalLog(named(line)))
      .sort(),
    // Recipients of one message are delivered to in any order.
    messages: ids.flatMap(id =>
      arrived(id)
        .map(text => normalMessage(named(text)))
        .sort(),
    ),
  }
}
