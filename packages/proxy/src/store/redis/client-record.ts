import { createHash } from 'node:crypto'
import { type Fading, faded, type Lesson, lifeOf, type Network, parseNetwork, type Repute } from '@sallyport/rules'
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
 * The field of an address or a network is a letter and its octets in base64: `4wAACAQ` for 192.0.2.1, and 12 characters for a /64, so that it
 * takes no more than 16 octets in a hash that is no packed list (the text of a /64 takes 32). A name stands as it is. Fields of before, where addresses
 * stood as their text, are not read, and go as all do that nobody renews.
 *
 * Not taken: a key for each client with the same record (165 octets where this takes half, 149 only under a key of 14 octets);
 * a ttl for each field (Redis 7.4, and more memory than the record); a part for each network, where a single one could outgrow
 * all others; more parts, so that all stay packed lists: sixteen times as many keys cost 100,000 clients 90 octets each, and
 * 100 million would need a million; a number of parts by the number of clients, of which gates may think differently.
 */

/** Hashes that all clients share: of 100,000 clients there are 6 in each, and from 2 million on they are no packed lists any more. */
const parts = 16_384

/** Longer names stand as a digest, for a long field would unpack its hash. */
const longestField = 40

/** What stands for a network of so many bits before its octets. */
const letters: Readonly<Record<4 | 6, ReadonlyMap<number, string>>> = {
  4: new Map([
    [32, '4'],
    [24, 'n'],
  ]),
  6: new Map([
    [64, '6'],
    [48, 's'],
  ]),
}

/** A record is never longer; what is, is none of ours. */
export const longestRecord = 8192

/** 32-bit FNV-1a: spreads, and no more; who makes all his names fall into one part meets its bound. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function packed({ address, prefix }: Network): string | null {
  const letter = letters[address.family].get(prefix)
  if (letter === undefined) return null
  const octets = Buffer.allocUnsafe(8)
  octets.writeUInt32BE(address.family === 4 ? address.bits : address.words[0])
  if (address.family === 6) octets.writeUInt32BE(address.words[1], 4)
  return letter + octets.toString('base64url', 0, prefix / 8)
}

function fieldName(client: string): string {
  const network = parseNetwork(client)
  const short = 'problem' in network ? null : packed(network)
  if (short !== null) return short
  if (client.length <= longestField) return client
  return `#${createHash('sha256').update(client).digest('base64url').slice(0, 22)}`
}

/** Where a client stands: its key, without the prefix, and its field there. */
export const fieldOf = (client: string): { readonly key: string; readonly field: string } => ({
  key: `clients:${hashOf(client) % parts}`,
  field: fieldName(client),
})

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
