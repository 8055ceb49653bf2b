import {
  type MailServer,
  replyFault,
  type SMTPServerDataStream,
  type SMTPServerSession,
  startMailServer,
} from './mail-server.ts'
import { type Deposit, Maildir } from './maildir.ts'

/**
 * A mail server that takes every message and puts it into one Maildir: what stands behind the gate when there is nothing
 * else, so that one can try the gate out and see mail arrive, and what tests use as a backend.
 *
 * It is no mail server for real use. It relays nowhere (and so cannot be an open relay), knows no users, no TLS and no AUTH,
 * and content with bare line feeds is not stored octet for octet (smtp-server takes a dot away after any line feed); the gate
 * does not let such content through.
 */

interface EmbeddedMtaOptions {
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
interface MtaLog {
  info(fields: object, text: string): void
  error(fields: object, text: string): void
}

export type EmbeddedMta = MailServer

/** Octets of a message without what we write on top of it. */
export const largestMessage = 25 * 1024 * 1024

/** Starts it; rejects when the port cannot be had or the directory cannot be made. */
export async function startEmbeddedMta(options: EmbeddedMtaOptions): Promise<EmbeddedMta> {
  const { hostname, log } = options
  const maildir = await Maildir.open(options.maildir, hostname)
  return startMailServer(options, {
    hostname,
    banner: 'sallyport embedded MTA',
    clients: 200,
    recipients: 100,
    size: largestMessage,
    receive(stream, session, answer) {
      receive(maildir, hostname, stream, session).then(({ id, deposit }) => {
        const size = stream.byteLength
        switch (deposit.kind) {
          case 'stored':
            log.info({ id, size, client: session.remoteAddress }, 'message stored')
            answer(null, `2.0.0 Ok: queued as ${id}`)
            return
          case 'oversized':
            answer(replyFault(552, `5.3.4 Message size exceeds ${largestMessage}`))
            return
          case 'failed':
            log.error({ id, err: deposit.fault }, 'message not stored')
            answer(replyFault(452, '4.3.1 Insufficient system storage'))
            return
          case 'gone':
            return
          default:
            deposit satisfies never
        }
      }, answer)
    },
    failed: err => log.error({ err }, 'embedded MTA'),
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
