import { xclientCommands } from '../smtp/xclient.ts'
import type { Session } from './session.ts'

/** The XCLIENT commands that tell a backend who the client is, and what it said of itself if it has. */
export function introduction({ arrival, hello, reverseName }: Session): readonly string[] {
  const { client } = arrival
  // Postfix looks nothing up after XCLIENT: without a name it would keep the gate's own.
  const name = reverseName ?? '[TEMPUNAVAIL]'
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
