// One message through the gate, as far as it goes, with every reply on the way.

import { connect } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'

export const steps = ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'message', 'quit'] as const
export type Step = (typeof steps)[number]

/** How far a client came. */
export interface Course {
  /** The code of each reply, by what it answered. */
  readonly codes: Readonly<Partial<Record<Step, number>>>
  /** What came in place of the next reply, or behind the last: further replies and the close. */
  readonly end: string
  /** How long each step took, ms. */
  readonly ms: Readonly<Partial<Record<Step, number>>>
  readonly transcript: string
}

const said: Readonly<Record<Step, string>> = {
  greeting: '',
  ehlo: 'EHLO client.example.net\r\n',
  mail: 'MAIL FROM:<sender@example.net>\r\n',
  rcpt: 'RCPT TO:<user@example.test>\r\n',
  data: 'DATA\r\n',
  message: 'Subject: x\r\n\r\nbody\r\n.\r\n',
  quit: 'QUIT\r\n',
}

/** Goes on until a reply is not the one that goes on, or the gate closes; then waits for its close if it has not come. */
export async function sendOne(owner: Owner, port: number): Promise<Course> {
  const client = await connect(owner, { port, waitMs: 8_000 })
  const codes: Partial<Record<Step, number>> = {}
  const ms: Partial<Record<Step, number>> = {}
  let end = ''
  for (const step of steps) {
    const from = performance.now()
    try {
      if (said[step] !== '') client.sendRaw(said[step])
      const { code } = await client.reply()
      codes[step] = code
      if (code >= 400 && step !== 'quit') {
        if (code !== 421) client.send('QUIT')
        break
      }
    } catch {
      break
    } finally {
      ms[step] = performance.now() - from
    }
  }
  try {
    // What else it says, up to its close.
    for (;;) end += `${(await client.reply()).code} `
  } catch {
    end += await client.closed.catch(() => 'open')
  }
  return { codes, ms, end, transcript: client.transcript() }
}
