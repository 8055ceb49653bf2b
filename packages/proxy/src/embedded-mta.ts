import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { type Deposit, Maildir } from './maildir.ts'

/**
 * A mail server that takes every message and puts it into one Maildir: what stands behind the gate when there is nothing
 * else, so that one can try the gate out and see mail arrive, and what tests use as a backend.
 *
 * It is no mail server for real use. It relays nowhere (and so cannot be an open relay), knows no users, no TLS and no AUTH,
 * and content with bare line feeds is not stored octet for octet (smtp-server takes a dot away after any line feed); the gate
 * does not let such content through.
 */

export interface EmbeddedMtaOptions {
  /** The address to listen on. Clients on the loopback must begin with a PROXY header of version 1. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** The directory; made if it is missing. */
  readonly maildir: string
  /** Our name in the greeting and in what is written on top of messages. */
  readonly hostname: string
  readonly log: MtaLog
}

/** What it says: a line per message, and its own faults. */
export interface MtaLog {
  info(fields: object, text: string): void
  error(fields: object, text: string): void
}

export interface EmbeddedMta {
  readonly port: number
  /** Takes no new connections, gives those that are open half a second, and ends. */
  stop(): Promise<void>
}

/** Octets of a message without what we write on top of it. */
export const largestMessage = 25 * 1024 * 1024

/** Starts it; rejects when the port cannot be had or the directory cannot be made. */
export async function startEmbeddedMta(options: EmbeddedMtaOptions): Promise<EmbeddedMta> {
  const { hostname, log } = options
  const maildir = await Maildir.open(options.maildir, hostname)
  const server = new SMTPServer({
    name: hostname,
    banner: 'sallyport embedded MTA',
    useProxy: ['127.0.0.1', '::1'],
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: largestMessage,
    maxClients: 200,
    maxRecipients: 100,
    // RFC 5321 4.5.3.2.7
    socketTimeout: 5 * 60_000,
    closeTimeout: 500,
    onData(stream, session, reply) {
      receive(maildir, hostname, stream, session).then(({ id, deposit }) => {
        const size = stream.byteLength
        switch (deposit.kind) {
          case 'stored':
            log.info({ id, size, client: session.remoteAddress }, 'message stored')
            reply(null, `2.0.0 Ok: queued as ${id}`)
            return
          case 'oversized':
            reply(refusal(552, `5.3.4 Message size exceeds ${largestMessage}`))
            return
          case 'failed':
            log.error({ id, err: deposit.fault }, 'message not stored')
            reply(refusal(452, '4.3.1 Insufficient system storage'))
            return
          case 'gone':
            return
          default:
            deposit satisfies never
        }
      }, reply)
    },
  })
  server.on('error', err => log.error({ err }, 'embedded MTA'))
  const port = await listen(server, options.port, options.host)
  return { port, stop: () => new Promise(resolve => server.close(resolve)) }
}

function listen(server: SMTPServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve((server.server.address() as AddressInfo).port)
    })
  })
}

async function receive(
  maildir: Maildir,
  hostname: string,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
): Promise<{ id: string; deposit: Deposit }> {
  const { id, file } = maildir.newName()
  const head = headOf(session, hostname, id, new Date())
  return { id, deposit: await maildir.store(file, head, stream, largestMessage) }
}

/** The lines that a server of final delivery writes on top (RFC 5321 4.4): the envelope, and who brought the message. */
function headOf(session: SMTPServerSession, hostname: string, id: string, date: Date): string {
  const { mailFrom, rcptTo } = session.envelope
  const client = session.remoteAddress
  const literal = client.includes(':') ? `[IPv6:${client}]` : `[${client}]`
  return [
    `Return-Path: <${mailFrom === false ? '' : mailFrom.address}>`,
    ...rcptTo.map(recipient => `Delivered-To: ${recipient.address}`),
    `Received: from ${session.hostNameAppearsAs} (${literal})`,
    `\tby ${hostname} with ${session.transmissionType} id ${id};`,
    `\t${date.toUTCString().replace('GMT', '+0000')}`,
  ]
    .map(line => `${line.replace(/[\0-\x08\x0a-\x1f\x7f]/g, '?')}\r\n`)
    .join('')
}

function refusal(code: 452 | 552, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code })
}
