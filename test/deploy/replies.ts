import { connect } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'

/**
 * Connects to 127.0.0.1, writes `opening`, awaits the greeting, then writes each of `says` after the reply to the one before, and
 * closes. Gives the replies, the greeting first, the lines of each joined by LF. A silence of 10 s throws, and so does a server that
 * closes before its last reply.
 */
export async function repliesTo(
  owner: Owner,
  port: number,
  opening: Uint8Array,
  says: readonly string[],
): Promise<string[]> {
  const client = await connect(owner, { port, waitMs: 10_000 })
  client.sendRaw(opening)
  const replies = [(await client.reply()).text]
  for (const text of says) {
    client.sendRaw(text)
    replies.push((await client.reply()).text)
  }
  client.end()
  await client.closed
  return replies
}
