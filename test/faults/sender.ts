// A mail server on the sending side: it tries again until it has an answer, as RFC 5321 4.5.4.1 wants it, only sooner.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../support/dialogue.ts'
import { type Owner, undoAfter } from '../support/owner.ts'

/** What became of one message. */
export interface Delivery {
  readonly id: string
  readonly outcome: 'accepted' | 'refused' | 'given up'
  readonly attempts: number
  /** Attempts that ended by a close or 421 after the final dot: each may have left a copy behind. */
  readonly unsure: number
  /** The reply that decided, or what went wrong last. */
  readonly last: string
  /** When that was (`performance.now()`). */
  readonly at: number
}

export interface Sender {
  readonly port: () => number
  readonly retryMs?: number
  readonly patienceMs?: number
}

const idPattern = /^X-Id: (\S+)\r?$/m

/** Sends one message, again and again on 4xx and on any trouble with the connection. */
export async function deliver(owner: Owner, sender: Sender, id: string): Promise<Delivery> {
  const end = performance.now() + (sender.patienceMs ?? 20_000)
  let attempts = 0
  let unsure = 0
  for (;;) {
    attempts++
    const attempt = await attemptOnce(owner, sender.port(), id)
    if (attempt.outcome === 'unsure') unsure++
    const done = { id, attempts, unsure, last: attempt.last, at: performance.now() }
    if (attempt.outcome === 'accepted' || attempt.outcome === 'refused') return { ...done, outcome: attempt.outcome }
    if (performance.now() > end) return { ...done, outcome: 'given up' }
    await sleep(sender.retryMs ?? 100)
  }
}

/** `many` senders at a time, each one message after the other, until `stop` is set or the owner ends; gives what became of all. */
export async function sendUntil(
  owner: Owner,
  sender: Sender,
  many: number,
  stop: { aborted: boolean },
): Promise<Delivery[]> {
  // A test that has failed must not send for ever.
  undoAfter(owner, () => {
    stop.aborted = true
  })
  const deliveries: Delivery[] = []
  const one = async (name: number): Promise<void> => {
    for (let n = 1; !stop.aborted; n++) {
      deliveries.push(await deliver(owner, sender, `m${name}-${n}`))
      await sleep(5)
    }
  }
  await Promise.all(Array.from({ length: many }, (_, i) => one(i)))
  return deliveries
}

/** The ids of messages as they lie in mailboxes. */
export const idsOf = (messages: readonly (string | Buffer)[]): string[] =>
  messages.map(message => idPattern.exec(message.toString('latin1'))?.[1] ?? '')

/** 421 to a final dot says that the server went; whether it took the message along nobody knows (RFC 5321 4.2.5). */
const again = (step: number, code: number): 'again' | 'unsure' => (code === 421 && step === 6 ? 'unsure' : 'again')

async function attemptOnce(
  owner: Owner,
  port: number,
  id: string,
): Promise<{ readonly outcome: 'accepted' | 'refused' | 'again' | 'unsure'; readonly last: string }> {
  const steps = [
    ['', 220],
    ['EHLO mx.example.net\r\n', 250],
    ['MAIL FROM:<sender@example.net>\r\n', 250],
    ['RCPT TO:<user@example.test>\r\n', 250],
    ['DATA\r\n', 354],
    [`Subject: ${id}\r\nX-Id: ${id}\r\n\r\n${'body of some length\r\n'.repeat(50)}.\r\n`, 250],
  ] as const
  let step = 0
  try {
    const client = await connect(owner, { port, waitMs: 15_000 })
    for (const [said, good] of steps) {
      step++
      if (said !== '') client.sendRaw(said)
      const { code, text } = await client.reply()
      if (code === good && step < steps.length) continue
      // In order, but nothing hangs on it.
      client.send('QUIT')
      client.end()
      return { outcome: code === good ? 'accepted' : code >= 500 ? 'refused' : again(step, code), last: text }
    }
  } catch (error) {
    const last = error instanceof Error ? error.message : String(error)
    return { outcome: step === steps.length ? 'unsure' : 'again', last }
  }
  throw new Error('a dialogue without an end')
}

/** No message is lost or refused for good, and a copy too many only where an attempt could not know how it ended. */
export async function assertNothingLost(
  deliveries: readonly Delivery[],
  mailbox: { messages(): Promise<readonly (string | Buffer)[]>; waitForMessages(count: number): Promise<unknown> },
): Promise<void> {
  assert.deepEqual(
    deliveries.filter(({ outcome }) => outcome !== 'accepted'),
    [],
  )
  await mailbox.waitForMessages(deliveries.length)
  const copies = new Map<string, number>()
  for (const id of idsOf(await mailbox.messages())) copies.set(id, (copies.get(id) ?? 0) + 1)
  for (const { id, unsure } of deliveries) {
    const count = copies.get(id) ?? 0
    assert.ok(count >= 1, `${id} is lost`)
    assert.ok(count <= 1 + unsure, `${id} is there ${count} times, and ${unsure} attempts could not know`)
  }
}
