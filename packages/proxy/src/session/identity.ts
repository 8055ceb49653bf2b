import type { ReverseName } from '@sallyport/rules'
import { xclientCommands } from '../smtp/xclient.ts'
import type { Session } from './session.ts'

/** The XCLIENT commands that tell a backend who the client is, and what it said of itself if it has. */
export function introduction({ arrival, hello, facts }: Session): readonly string[] {
  const { client } = arrival
  // Postfix looks nothing up after XCLIENT: without a name it would keep the gate's own.
  const name = nameFor(facts.reverse)
  const said =
    hello === null
      ? []
      : ([
          ['PROTO', hello.verb === 'EHLO' ? 'ESMTP' : 'SMTP'],
          ['HELO', hello.name],
        ] as const)
  return xclientCommands([
    ['NAME', name],
    ['REVERSE_NAME', name],
    ['PORT', String(arrival.clientPort)],
    ...said,
    ['ADDR', client.family === 6 ? `IPV6:${client.text}` : client.text],
  ])
}

/** What XCLIENT has for a name, or for the lack of one. */
function nameFor(found: ReverseName | null): string {
  switch (found?.kind) {
    case 'confirmed':
      return found.name
    case 'none':
    case 'mismatch':
      return '[UNAVAILABLE]'
    case 'failed':
    case undefined:
      return '[TEMPUNAVAIL]'
    default:
      return found satisfies never
  }
}
