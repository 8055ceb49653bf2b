// A program that honest people send mail with, and the roads by which its mail comes to the gates.

import { connect, createServer } from 'node:net'
import { proxyLine } from '../../e2e/client.ts'
import { type Owner, undoAfter } from '../../support/owner.ts'
import { freePort } from '../../support/port.ts'
import type { ZooPreset } from '../animal.ts'

/** Where mail for the gate of one preset is sent. */
export interface Road {
  readonly preset: ZooPreset
  /** The domain of its recipients, by which a mail server finds the road. */
  readonly domain: string
  readonly host: string
  readonly port: number
}

/** What is sent: an envelope, and what tells the message from others. */
export interface Message {
  readonly from: string
  readonly to: string
  readonly subject: string
}

export interface Mailer {
  /** Sends a message, or queues it. Resolves before it is delivered, or when it was not. */
  send(road: Road, message: Message): Promise<void>
  /** Has the queue run now, where it does not by itself; for a program without a queue, its user sends again. */
  again(road: Road, message: Message): Promise<void>
}

/** What came of a message. */
export interface Delivery {
  /** Sessions that the gate deferred, before the message was taken. */
  readonly deferrals: number
  /** Replies of 5xx that it heard. */
  readonly refusals: number
  /** The checks for which the others were turned away, by the log. */
  readonly by: readonly string[]
  /** In the session that brought it, from the connection to the backend's answer to its recipient. */
  readonly seconds: number
}

/** Seconds of the first message and of the second, and how often the first was deferred. */
type ExpectedDelivery = readonly [first: number, second: number, deferrals: number]

export interface Sender {
  readonly name: string
  /** What it says in EHLO, where it is left alone; a sentence. */
  readonly about: string
  readonly expected: Readonly<Record<ZooPreset, ExpectedDelivery>>
  /** What runs its queue; a sentence. Whoever has one is a forwarder, too, which is suspect for the senders that it keeps. */
  readonly queue?: string
  start(owner: Owner, roads: readonly Road[]): Promise<Mailer>
}

/** The domain that a program sends from: its DNS is in order. */
export const domainOf = (name: string): string => `${name}.example`

/** A whole message. */
export function textOf({ from, to, subject }: Message): string {
  return [`From: ${from}`, `To: ${to}`, `Subject: ${subject}`, '', 'Good day.', ''].join('\n')
}

/** A shell's word for a text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A balancer in front of a gate: whoever comes this way is a client of this address. Addresses of 127.0.1.0/24 tell the roads apart. */
export async function buildRoad(
  owner: Owner,
  preset: ZooPreset,
  position: number,
  gate: { readonly port: number },
  client: string,
): Promise<Road> {
  const host = `127.0.1.${position}`
  const port = await freePort()
  const server = createServer(socket => {
    const onward = connect({ port: gate.port, host: '127.0.0.1', noDelay: true })
    onward.write(proxyLine(client, socket.remotePort))
    socket.pipe(onward)
    onward.pipe(socket)
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen({ host, port }, resolve))
  undoAfter(owner, () => void server.close())
  return { preset, domain: `${preset}.test`, host, port }
}
