import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Dialogue } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'
import type { Postfix } from '../support/postfix.ts'
import { recipient } from './chain.ts'

export const idOf = (number: number): string => `chaos-${number}@example.org`

/** So many sessions put messages into the queue beside each other: one alone waits for the disk. */
const sessions = 4

/** Puts so many messages into a server's queue, `rate` a second, each with an id of its own; all of them were answered 250 then. */
export async function post(owner: Owner, sender: Postfix, messages: number, rate: number): Promise<void> {
  const begun = performance.now()
  let next = 0
  const one = async (): Promise<void> => {
    const client = await connect(owner, { port: sender.ports.plain, waitMs: 30_000 })
    await client.expect(/^220 /)
    await client.command('EHLO client.example.org', /^250/)
    for (let number = next++; number < messages; number = next++) {
      await sleep(Math.max(0, begun + (number / rate) * 1_000 - performance.now()))
      await putIn(client, number)
    }
    await client.command('QUIT', /^221/)
  }
  await Promise.all(Array.from({ length: sessions }, one))
}

async function putIn(client: Dialogue, number: number): Promise<void> {
  await client.command('MAIL FROM:<sender@example.org>', /^250/)
  await client.command(`RCPT TO:<${recipient}>`, /^250/)
  await client.command('DATA', /^354/)
  const header = `From: <sender@example.org>\r\nMessage-ID: <${idOf(number)}>\r\nSubject: ${number}\r\n`
  await client.command(`${header}\r\n${'A line of a letter of some length.\r\n'.repeat(30)}.`, /^250/)
}
