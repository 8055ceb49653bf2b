// Clients of any address: a balancer on 127.0.0.1 that is trusted says who they are.

import { connect, type Dialogue, type DialogueOptions } from '../support/dialogue.ts'
import type { RunningGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { until } from '../support/until.ts'

/** The line of a gate's settings by which it believes the clients below. */
export const believing = 'trusted_proxies: [127.0.0.1]'

/** The version 1 header of a client, IPv4 or IPv6. */
export function proxyLine(address: string, port = 40_001): string {
  return address.includes(':')
    ? `PROXY TCP6 ${address} 2001:db8::25 ${port} 25\r\n`
    : `PROXY TCP4 ${address} 192.0.2.25 ${port} 25\r\n`
}

/** A client with this address on a gate that trusts 127.0.0.1; its header goes out with what `early` holds behind it. */
export async function connectAs(
  owner: Owner,
  { port }: { readonly port: number },
  address: string,
  options: Partial<DialogueOptions> & { readonly early?: string } = {},
): Promise<Dialogue> {
  const client = await connect(owner, { port, ...options })
  client.sendRaw(proxyLine(address) + (options.early ?? ''))
  return client
}

/** The version 2 header of a client, with `extra` octets of type-length-values behind the addresses; null: LOCAL. */
export function proxyBlock(address: string | null, extra: Uint8Array = new Uint8Array()): Buffer {
  const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
  if (address === null) return Buffer.concat([signature, Buffer.from([0x20, 0x00, 0, 0])])
  const isIPv6 = address.includes(':')
  const ports = Buffer.from([40_002 >> 8, 40_002 & 255, 0, 25])
  const rest = Buffer.concat([octetsOf(address), octetsOf(isIPv6 ? '2001:db8::25' : '192.0.2.25'), ports, extra])
  return Buffer.concat([
    signature,
    Buffer.from([0x21, isIPv6 ? 0x21 : 0x11, rest.length >> 8, rest.length & 255]),
    rest,
  ])
}

function octetsOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [front = '', back = ''] = address.split('::')
  const groups = (text: string) => text.split(':').filter(Boolean)
  const zeros = Array<string>(8 - groups(front).length - groups(back).length).fill('0')
  const all = [...groups(front), ...zeros, ...groups(back)]
  return Buffer.from(all.map(group => group.padStart(4, '0')).join(''), 'hex')
}

/** What swaks(1) needs to say the same. */
export function swaksAs(address: string): string[] {
  const [family, destination] = address.includes(':') ? ['TCP6', '2001:db8::25'] : ['TCP4', '192.0.2.25']
  return [
    ...['--proxy-version', '1', '--proxy-family', family, '--proxy-source', address, '--proxy-source-port', '40001'],
    ...['--proxy-dest', destination, '--proxy-dest-port', '25'],
  ]
}

export interface Envelope {
  readonly helo?: string
  readonly from?: string
  readonly to?: string
}

/** From the greeting to the reply to RCPT, which is given; whatever the client is told of the greeting is awaited. */
export async function untilRcpt(client: Dialogue, envelope: Envelope = {}): Promise<string> {
  const { helo = 'client.example.net', from = 'sender@example.net', to = 'user@example.test' } = envelope
  await client.expect(/^220 /m)
  await client.command(`EHLO ${helo}`, /^250/)
  await client.command(`MAIL FROM:<${from}>`, /^250/)
  client.send(`RCPT TO:<${to}>`)
  return (await client.reply()).text
}

/**
 * A client that comes again and again until its RCPT is answered so: what a gate learns is written without anybody waiting for it, and
 * another asks when it likes.
 */
export async function untilAnswered(owner: Owner, gate: RunningGate, address: string, pattern: RegExp): Promise<void> {
  await until(`RCPT is answered ${pattern}`, async () => {
    const client = await connectAs(owner, gate, address)
    const said = await untilRcpt(client)
    await client.command('QUIT', /^221/)
    return pattern.test(said)
  })
}

/** One message from the greeting to QUIT; gives the reply to its end. `body` is as on the wire, stuffed, without its end. */
export async function sendMail(client: Dialogue, body: string, envelope: Envelope = {}): Promise<string> {
  const rcpt = await untilRcpt(client, envelope)
  if (!rcpt.startsWith('250')) throw new Error(`RCPT was answered ${rcpt}\n${client.transcript()}`)
  await client.command('DATA', /^354/)
  client.sendRaw(`${body}.\r\n`)
  const { text } = await client.reply()
  await client.command('QUIT', /^221/)
  return text
}
