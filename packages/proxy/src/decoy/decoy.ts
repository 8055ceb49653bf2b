import type { Config } from '../config/config.ts'
import { errorText } from '../error.ts'
import {
  type MailServer,
  replyFault,
  type SMTPServerDataStream,
  type SMTPServerSession,
  startMailServer,
} from '../mail-server.ts'
import { Samples } from './samples.ts'
import { usesDecoy } from './use.ts'

/** What it says: its own faults. */
interface DecoyLog {
  error(fields: object, text: string): void
}

/** The decoy's settings; see schema.ts. */
type DecoySettings = Config['decoy']

/**
 * A mail server that takes everybody's dialogue and message and refuses every message at its end. It never says 2xx for one, and the
 * session in front of it would not pass that on. A sample of the messages is kept where the operator has named a folder.
 *
 * Roads not taken: dropping the message inside the session, without a server: a second speaker of SMTP beside the relay phase; a
 * port for all the world, as honeypots have: it would have to be told from the gate, and would show.
 */
export class Decoy {
  readonly port: number
  private readonly server: MailServer
  private readonly keeper: Keeper

  private constructor(server: MailServer, keeper: Keeper) {
    this.port = server.port
    this.server = server
    this.keeper = keeper
  }

  /** Starts it on any free port of the loopback. Rejects when there is none, or the folder cannot be made. */
  static async start(hostname: string, settings: DecoySettings, log: DecoyLog): Promise<Decoy> {
    const keeper = new Keeper(log)
    await keeper.renew(settings)
    const server = await startMailServer(
      { host: '127.0.0.1', port: 0 },
      {
        hostname,
        banner: '',
        // The gate counts its own connections to it; others on this host shall not use them up.
        clients: 2 * settings.sessions + 10,
        recipients: 1_000,
        receive: (message, session, answer) => {
          keeper.take(message, session).then(() => answer(replyFault(550, 'no')), answer)
        },
        failed: fault => log.error({ event: 'decoy', error: fault.message }, 'decoy'),
      },
    )
    return new Decoy(server, keeper)
  }

  /** Other settings, for messages to come. Rejects when the folder cannot be made. */
  renew(settings: DecoySettings): Promise<void> {
    return this.keeper.renew(settings)
  }

  stop(): Promise<void> {
    return this.server.stop()
  }
}

/** Reads messages to their end, and keeps the beginning of each where that is wanted. */
class Keeper {
  private readonly log: DecoyLog
  private samples: Samples | null = null
  private size = 0

  constructor(log: DecoyLog) {
    this.log = log
  }

  async renew({ folder, messages, size }: DecoySettings): Promise<void> {
    this.samples = folder === undefined ? null : await Samples.open(folder, messages)
    this.size = size
  }

  /** Resolves at the end of the message; a disk that is full is nothing to the client. */
  async take(message: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const { samples, size } = this
    const pieces = samples === null ? [] : [Buffer.from(headOf(session), 'latin1')]
    let left = samples === null ? 0 : size
    for await (const piece of message as AsyncIterable<Buffer>) {
      if (left > 0) pieces.push(Buffer.from(piece.subarray(0, left)))
      left = Math.max(0, left - piece.length)
    }
    await samples?.keep(Buffer.concat(pieces), Date.now()).catch((fault: unknown) => {
      const error = errorText(fault)
      this.log.error({ event: 'decoy', error }, 'a sample could not be kept')
    })
  }
}

/** The most recipients that a sample names. */
const mostNamed = 100

/** Who brought the message, with what envelope: lines on top of it. */
function headOf({ envelope, remoteAddress, hostNameAppearsAs }: SMTPServerSession): string {
  const lines = [
    `X-Client: ${remoteAddress}`,
    `X-Helo: ${hostNameAppearsAs}`,
    `X-Sender: <${envelope.mailFrom === false ? '' : envelope.mailFrom.address}>`,
    ...envelope.rcptTo.slice(0, mostNamed).map(recipient => `X-Recipient: <${recipient.address}>`),
  ]
  return lines.map(line => `${line.replace(/[\0-\x1f\x7f]/g, '?').slice(0, 998)}\r\n`).join('')
}

/**
 * The decoy, where some check leads there; once begun it goes on until the gate ends. `running`: the one that there is. A text says
 * why there is none, or none with these settings.
 */
export async function decoyFor(config: Config, log: DecoyLog, running: Decoy | null): Promise<Decoy | null | string> {
  if (running === null && !usesDecoy(config.policy)) return null
  try {
    if (running === null) return await Decoy.start(config.hostname, config.decoy, log)
    await running.renew(config.decoy)
    return running
  } catch (error) {
    return `decoy: ${errorText(error)}`
  }
}
