import { createHash } from 'node:crypto'
import { type Fading, faded, type Lesson, lifeOf, type Repute } from '@sallyport/rules'
import { checksOf } from './check-codes.ts'

/*
 * What Redis remembers of a client, in as few octets as may be. Numbers are unsigned and most significant octet first:
 *
 *   1 octet    1: checks only; 2: mail and checks; of any other nothing is known
 *   4          the second at which all of it is over
 *   4, 2, 3 x 3   of 2 only: the second at which the mail was so; its score (signed), messages taken, refused, and unknown
 *              recipients, each in hundredths. It fades from then on as reputation.ts in the rules has it
 *   4          of 2 only: the second of the last good word that counted; 0: there was none
 *   then, for each second at which checks expire: that second (4), their tokens (check-codes.ts), and a space
 *
 * What was passed in one session for equally long shares the second, so that three or four of them are the rule, and 49 octets.
 *
 * Clients share hashes, as many as `parts`: `<prefix>clients:<part>`, a field for each client, a packed list inside Redis as long as the
 * hash has no more than `hash-max-listpack-entries` (128) and no value above `hash-max-listpack-value` (64 octets). A key, its
 * expiry and its place in the two tables of keys take Redis 90 octets and more before anything is said in it: here sixty clients
 * share that. The price: what evicts keys (`maxmemory-policy`) forgets the clients of a part together, and what has expired is
 * gone from answers at once, yet from memory with a later write to its part, or with the key, which expires with the last of its
 * clients. A client is in one key, and so on one node of a cluster.
 *
 * Not taken: a key for each client with the same record (165 octets where this takes half, 149 only under a key of 14 octets);
 * a ttl for each field (Redis 7.4, and more memory than the record); a part for each network, where a single one could outgrow
 * all others.
 */

/** Hashes that all clients share: of 100,000 clients there are 6 in each, and from 2 million on they are no packed lists any more. */
const parts = 16_384

/** Longer names stand as a digest, for a long field would unpack its hash. */
const longestField = 40

/** A record is never longer; what is, is none of ours. */
export const longestRecord = 8192

/** 32-bit FNV-1a: spreads, and no more; who makes all his names fall into one part meets its bound. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Where a client stands: its key, without the prefix, and its field there. */
export function placeOf(client: string): { readonly key: string; readonly field: string } {
  const field =
    client.length <= longestField ? client : `#${createHash('sha256').update(client).digest('base64url').slice(0, 22)}`
  return { key: `clients:${hashOf(client) % parts}`, field }
}

/** 1 octet, 4 octets. */
const headLength = 5
const mailLength = 19

function reputeFrom(record: Buffer, now: number, fading: Fading): Repute | null {
  const at = record.readUInt32BE(headLength)
  const score = record.readInt16BE(headLength + 4) / 100
  const [accepted, content, unknown] = [6, 9, 12].map(from => record.readUIntBE(headLength + from, 3) / 100) as [
    number,
    number,
    number,
  ]
  const repute = faded({ score, accepted, content, unknown }, now - at, fading)
  return lifeOf(repute, fading) > 0 ? repute : null
}

/** What a record says at `now`, in seconds by the clock of Redis, with the seconds for which it still holds; of one that is none of ours: nothing. */
export function lessonFrom(record: Buffer, now: number, fading: Fading): Lesson {
  const passed: Record<string, number> = {}
  const failed: Record<string, number> = {}
  const hasMail = record[0] === 2
  const start = hasMail ? headLength + mailLength : headLength
  if ((record[0] !== 1 && !hasMail) || record.length < start) return { passed, failed }
  for (let from = start; from + 4 < record.length; ) {
    const left = record.readUInt32BE(from) - now
    const space = record.indexOf(0x20, from + 4)
    const end = space < 0 ? record.length : space
    if (left >= 1) {
      for (const { name, isFailed } of checksOf(record.toString('latin1', from + 4, end)))
        (isFailed ? failed : passed)[name] = left
    }
    from = end + 1
  }
  const repute = hasMail ? reputeFrom(record, now, fading) : null
  return { passed, failed, ...(repute === null ? {} : { repute }) }
}
