import type { AddressInfo } from 'node:net'
import type { SMTPServer, SMTPServerDataStream, SMTPServerOptions, SMTPServerSession } from 'smtp-server'

export type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server'

/** How the sender of a message is answered: with a fault of `replyFault`, or with words behind 250. */
export type Answer = (fault: Error | null, words?: string) => void

/** A mail server of the gate's own that hears clients through the gate: without TLS and AUTH, behind a PROXY header of version 1. */
interface MailServerOptions {
  /** In the greeting. */
  readonly hostname: string
  readonly banner: string
  /** The most connections at a time. */
  readonly clients: number
  readonly recipients: number
  /** The largest message, octets, as it is told to clients; none: nothing is told. */
  readonly size?: number
  /** The message must be read to its end before it is answered. */
  receive(message: SMTPServerDataStream, session: SMTPServerSession, answer: Answer): void
  /** A fault of a connection or of its own. */
  failed(fault: Error): void
}

export interface MailServer {
  readonly port: number
  /** Takes no new connections, gives those that are open half a second, and ends. */
  stop(): Promise<void>
}

/** A refusal with this code and these words. */
export function replyFault(code: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode: code })
}

/** Starts it; rejects when the port cannot be had. */
export async function startMailServer(
  where: { readonly host: string; readonly port: number },
  options: MailServerOptions,
): Promise<MailServer> {
  // Not with this file: most gates have no mail server of their own, and need not load one.
  const { SMTPServer: Server } = await import('smtp-server')
  const settings: SMTPServerOptions = {
    name: options.hostname,
    banner: options.banner,
    useProxy: ['127.0.0.1', '::1'],
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    maxClients: options.clients,
    maxRecipients: options.recipients,
    // RFC 5321 4.5.3.2.7
    socketTimeout: 5 * 60_000,
    closeTimeout: 500,
    onData: (stream, session, answer) => options.receive(stream, session, answer),
  }
  const server = new Server(options.size === undefined ? settings : { ...settings, size: options.size })
  server.on('error', fault => options.failed(fault))
  const port = await listen(server, where.port, where.host)
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
