import {
  type HelloName,
  noRepute,
  type Repute,
  type ReverseName,
  type SenderDomain,
  type SpfFinding,
  type SpfResult,
  spfResults,
} from '@sallyport/rules'
import type { Recalled } from '../session/port.ts'

interface Listed {
  readonly rank: number
  readonly list: string | null
  readonly failed: number
}

/** What is answered whoever asks. */
export interface World {
  readonly recalled: Omit<Recalled, 'ask'>
  /** Which rate it is beyond; null: none. */
  readonly rated: string | null
  /** Seconds that a recipient has to wait where greylisting asks; null: as at its first time. */
  readonly greylisted: number | null
  /** null: it is on no list. */
  readonly listed: Listed | null
  readonly named: ReverseName
  readonly helloName: HelloName
  readonly senderDomain: SenderDomain
  /** A result: whose domain it is follows from the envelope. */
  readonly spf: SpfResult | SpfFinding
  /** What is known of verified names, by their keys in the store. */
  readonly identities: ReadonlyMap<string, Repute>
  readonly keywords: readonly string[]
  /** Replies of the backend by verb, in their order; the last holds on. */
  readonly replies: ReadonlyMap<string, readonly string[]>
  /** null: the backend can be reached. */
  readonly gone: string | null
}

export const usualWorld: World = {
  recalled: { passed: [], failed: [], client: null, network: null, hellos: null },
  rated: null,
  greylisted: null,
  listed: null,
  named: { kind: 'confirmed', name: 'client.example.net' },
  helloName: 'found',
  senderDomain: 'found',
  spf: 'none',
  identities: new Map(),
  keywords: ['PIPELINING', 'SIZE 10240000', '8BITMIME', 'ENHANCEDSTATUSCODES', 'CHUNKING', 'SMTPUTF8'],
  replies: new Map(),
  gone: null,
}

/** Reads what the world answers. */
export class WorldReader {
  private said: World = usualWorld
  private readonly replies = new Map<string, string[]>()

  get world(): World {
    return { ...this.said, replies: this.replies }
  }

  /** What the backend offers. */
  offer(keywords: readonly string[]): void {
    this.said = { ...this.said, keywords }
  }

  /** Reads a row. undefined: it says nothing of the world. null: it does, and is good; else what is wrong with it. */
  read(text: string): string | null | undefined {
    const [, what, rest = ''] =
      /^(recalled|listed|named|hello-name|sender-domain|spf|rated|greylisted|gone|B<)(?: +(.*))?$/.exec(text) ?? []
    switch (what) {
      case 'recalled':
        return this.recalled(fieldsOf(rest))
      case 'listed':
        return this.listed(fieldsOf(rest))
      case 'named':
        return this.named(rest)
      case 'rated':
        this.said = { ...this.said, rated: rest || 'a rate' }
        return null
      case 'greylisted':
        this.said = { ...this.said, greylisted: Number(rest) }
        return /^\d{1,7}$/.test(rest) ? null : `greylisted: no number of seconds: ${rest}`
      case 'hello-name':
        return this.choose('helloName', rest, ['found', 'none', 'failed'])
      case 'sender-domain':
        return this.choose('senderDomain', rest, ['found', 'none', 'null-mx', 'private', 'failed'])
      case 'spf':
        return this.choose('spf', rest, spfResults)
      case 'gone':
        this.said = { ...this.said, gone: rest || 'ECONNREFUSED' }
        return null
      case 'B<':
        return this.reply(rest)
      default:
        return undefined
    }
  }

  private choose<Key extends 'helloName' | 'senderDomain' | 'spf'>(
    key: Key,
    text: string,
    words: readonly World[Key][],
  ): string | null {
    const found = words.find(word => word === text)
    if (found === undefined) return `${text || 'nothing'}: write one of ${words.join(', ')}`
    this.said = { ...this.said, [key]: found }
    return null
  }

  private recalled(fields: ReadonlyMap<string, string>): string | null {
    const names = (key: string) => (fields.get(key) ?? '').split(',').filter(name => name !== '')
    const score = Number(fields.get('score') ?? 0)
    if (!Number.isFinite(score)) return 'recalled: score is a number'
    const client = score === 0 ? null : { ...noRepute, score }
    const recalled = { passed: names('passed'), failed: names('failed'), client, network: null, hellos: null }
    this.said = { ...this.said, recalled }
    return unknownFields(fields, ['passed', 'failed', 'score'])
  }

  private listed(fields: ReadonlyMap<string, string>): string | null {
    const [rank, failed] = [Number(fields.get('rank') ?? 1), Number(fields.get('failed') ?? 0)]
    if (!Number.isInteger(rank) || !Number.isInteger(failed)) return 'listed: rank and failed are whole numbers'
    this.said = { ...this.said, listed: { rank, list: fields.get('list') ?? null, failed } }
    return unknownFields(fields, ['rank', 'list', 'failed'])
  }

  private named(text: string): string | null {
    const [first = '', second] = text.split(' ')
    let named: ReverseName = { kind: 'confirmed', name: first }
    if (first === 'none' || first === 'failed') named = { kind: first }
    if (first === 'mismatch') named = { kind: 'mismatch', name: second ?? '' }
    this.said = { ...this.said, named }
    return text === '' || (first === 'mismatch' && second === undefined) ? 'named: which name is missing' : null
  }

  private reply(text: string): string | null {
    const [, verb = '', said = ''] = /^(\S+) +(.*)$/.exec(text) ?? []
    if (!/^[2-5][0-5]\d(?: .*)?$/.test(said))
      return `B< ${text}: write a verb and a reply, as B< RCPT 550 5.1.1 No such user`
    const key = verb.toUpperCase()
    this.replies.set(key, [...(this.replies.get(key) ?? []), said])
    return null
  }
}

const fieldsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split(/ +/)
      .filter(Boolean)
      .map(field => field.split('=', 2) as [string, string]),
  )

function unknownFields(fields: ReadonlyMap<string, string>, known: readonly string[]): string | null {
  const stranger = [...fields.keys()].find(key => !known.includes(key))
  return stranger === undefined ? null : `no such field: ${stranger}; there are ${known.join(', ')}`
}
