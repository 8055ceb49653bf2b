import { type Access, type Address, parseAddress } from '@sallyport/rules'
import { type ListenMode, listenModes } from '../config/config.ts'
import { type Deed, deeds } from './deed.ts'
import { type World, WorldReader } from './world.ts'

/*
 * A script is what one client does, in the language of test/transcripts with two liberties: a row may have no time, and then the
 * client does it as soon as it has read the reply to what it said before; and what the world answers is said beforehand.
 *
 * Comment lines begin with `#`. Settings, before the first row:
 *   client: 192.0.2.1        access: none, allow, deny (else the lists of the configuration)
 *   tls: starttls            the kind of port, as in listen; else that of the first port
 *   keywords: SIZE 10240000, 8BITMIME       what the backend offers
 * What the world says, in any place:
 *   recalled passed=a,b failed=c score=3    what the store knows of the client; else nothing
 *   rated 60 of address in 60 s             which rate it is beyond; else none
 *   greylisted 300                          seconds that a recipient has to wait yet; else as at the first time
 *   listed rank=2 list=bl.test failed=0     what the DNS lists say; else that it is on none
 *   named host.example · mismatch host.example · none · failed      its reverse name; else client.example.net, confirmed
 *   hello-name none · sender-domain null-mx · spf fail                 what else the DNS says; else found, found, none
 *   B< RCPT 550 5.1.1 No such user          the backend's reply to the next RCPT, and to those behind it; for the greeting CONNECT,
 *                                           for the end of a message the verb is a dot; else it takes everything
 *   gone why                                the backend cannot be reached
 * What the client does, each with `@ms` before it or without:
 *   C: text     a line      C~ text   octets, with the escapes \r \n \0 \\ \xHH, and \xHH{n} for n times that octet
 *   C| text     a line in one read with the row before it
 *   end         it closes its side       broken    its connection breaks
 */
export interface Script {
  readonly client: Address
  readonly access: Access | null
  readonly tls: ListenMode | null
  readonly world: World
  readonly deeds: readonly Deed[]
}

/** The most that a script may have, octets. */
export const longestScript = 1024 * 1024

/** Octets that one escape may stand for. */
const mostRepeated = 1_000_000

/** Reads a script; where there is anything wrong with it, all of that, as `line: what`. */
export function parseScript(text: string): { readonly script: Script } | { readonly problems: readonly string[] } {
  const reader = new Reader()
  for (const [i, line] of text.split(/\r?\n/).entries()) reader.read(line, i + 1)
  if (reader.problems.length > 0) return { problems: reader.problems }
  return { script: reader.script }
}

class Reader {
  readonly problems: string[] = []
  private client = parseAddress('192.0.2.1') as Address
  private access: Access | null = null
  private tls: ListenMode | null = null
  private readonly world = new WorldReader()
  private readonly deeds: Deed[] = []
  private latest = 0

  get script(): Script {
    const { client, access, tls, deeds: done } = this
    return { client, access, tls, world: this.world.world, deeds: done }
  }

  read(line: string, number: number): void {
    const text = line.trimStart()
    if (text === '' || text.startsWith('#')) return
    let problem = this.deed(text, number)
    if (problem === undefined) problem = this.world.read(text)
    if (problem === undefined) problem = this.setting(text)
    if (problem !== null) this.problems.push(`${number}: ${problem}`)
  }

  /** undefined: it is none. null: it is one, and good. */
  private deed(text: string, number: number): string | null | undefined {
    const row = /^(?:@(\S+) +)?(C[:~|]|end|broken)(?: (.*))?$/.exec(text)
    if (row === null) {
      return /^[@C]/.test(text) && !text.startsWith('CONNECT')
        ? `no row of a client: ${text}; write one of ${deeds.join(' ')}, with @ms before it or without`
        : undefined
    }
    const what = row[2] as Deed['what']
    const at = row[1] === undefined ? null : Number(row[1])
    if (at !== null && !/^\d{1,9}$/.test(row[1] ?? '')) return `@${row[1]} is no time in milliseconds`
    if (at !== null && at < this.latest) return `@${at} lies before the row above, which is at @${this.latest}`
    if (what === 'C|' && !this.deeds.at(-1)?.what.startsWith('C')) return 'C| has no row of octets before it'
    const repeated = /\{(\d+)\}/.exec(row[3] ?? '')?.[1]
    if (what === 'C~' && Number(repeated ?? 0) > mostRepeated) return `{${repeated}} is more than ${mostRepeated}`
    this.latest = at ?? this.latest
    this.deeds.push({ line: number, at, what, text: row[3] ?? '' })
    return null
  }

  private setting(text: string): string | null {
    const [, key, value = ''] = /^([a-z_]+): *(.*)$/.exec(text) ?? []
    if (key === undefined) return `neither a setting nor a row: ${text}`
    if (this.deeds.length > 0) return `the setting ${key} stands behind the first row`
    switch (key) {
      case 'client': {
        const client = parseAddress(value)
        if (client !== null) this.client = client
        return client === null ? `client: no address: ${value}` : null
      }
      case 'access':
        if (value !== 'none' && value !== 'allow' && value !== 'deny') return `access: write none, allow or deny`
        this.access = value
        return null
      case 'tls':
        this.tls = listenModes.find(mode => mode === value) ?? null
        return this.tls === null ? `tls: write one of ${listenModes.join(', ')}` : null
      case 'keywords':
        this.world.offer(
          value
            .split(',')
            .map(keyword => keyword.trim())
            .filter(Boolean),
        )
        return null
      default:
        return `no such setting: ${key}; there are client, access, tls, keywords`
    }
  }
}
