import type { Command } from '../../smtp/command.ts'
import type { Asked, Reached } from '../port.ts'

/** What a backend that is being opened was last told, and so what it answers next; `command`: what it is opened for. */
export type Step =
  | 'connect'
  | 'greeting'
  | 'keywords'
  | 'starttls'
  | 'handshake'
  | 'name'
  | 'xclient'
  | 'hello'
  | 'mail'
  | 'command'

/** For the log. */
export function nameOf(step: Step, command: Command | null): string {
  switch (step) {
    case 'keywords':
      return 'hello'
    case 'handshake':
      return 'the TLS handshake'
    case 'command':
      return command?.verb.toLowerCase() ?? ''
    default:
      return step
  }
}

/** For the metrics. */
export function askedBy({ verb }: Command): Asked {
  return verb === 'RCPT' ? 'rcpt' : verb === 'MAIL' ? 'mail' : 'other'
}

/** Command not recognised, not implemented, out of order: no answers to an EHLO that was heard as one. */
export const misunderstood: ReadonlySet<number> = new Set([500, 502, 503])

/** For the metrics, what a reply that is none there comes to. */
export function unexpectedAt(step: Step): Reached {
  return step === 'xclient' || step === 'hello' ? 'identity' : step === 'greeting' ? 'greeting' : 'error'
}

/** For the metrics, what a connection that is gone there comes to. */
export function goneAt(step: Step): Reached {
  return step === 'connect' ? 'refused' : step === 'handshake' ? 'tls' : 'error'
}
