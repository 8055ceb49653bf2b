import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { octetsOf } from '../support/transcript.ts'

/**
 * A dialogue to be held twice, with a server itself and through the gate: what the client does, and never what it hears. A file in
 * `dialogues/` is one theme. It begins with its title (`# …`); `=== …` begins a dialogue and says in a sentence what it does.
 *
 *   C: text     a line (CRLF is added); then one reply is awaited
 *   C| text     a line in the same write as the row before it; one reply more is awaited behind the write
 *   M: text     a line that has no reply of its own, as those of a message; M| in the same write
 *   O: text     octets without a reply of their own, escaped as in transcripts (test/support/transcript.ts); O| in the same write
 *   wait 2      that many replies more
 *   tls         the TLS handshake, as after a 220 to STARTTLS
 *   end         the client closes its half, and reads on
 *
 * Behind the last row the client closes its half in any case and reads to the end: a reply that nobody asked for is seen.
 */
export interface Script {
  readonly theme: string
  readonly sentence: string
  readonly turns: readonly Turn[]
}

/** What the client does before it listens again. */
export type Turn =
  | { readonly kind: 'write'; readonly octets: Buffer; readonly told: readonly string[]; readonly replies: number }
  | { readonly kind: 'wait'; readonly replies: number }
  | { readonly kind: 'tls' }
  | { readonly kind: 'end' }

interface Draft {
  readonly theme: string
  readonly sentence: string
  readonly turns: Turn[]
}

export function parseScripts(name: string, text: string): readonly Script[] {
  const scripts: Draft[] = []
  let theme = ''
  text.split('\n').forEach((line, i) => {
    const where = `${name}:${i + 1}`
    if (line === '') return
    if (line.startsWith('# ')) {
      theme = line.slice(2)
      return
    }
    if (line.startsWith('=== ')) {
      scripts.push({ theme, sentence: line.slice(4), turns: [] })
      return
    }
    const turns = scripts.at(-1)?.turns
    assert.ok(turns !== undefined && theme !== '', `${where}: no title or no dialogue yet`)
    readRow(turns, line, where)
  })
  return scripts
}

function readRow(turns: Turn[], line: string, where: string): void {
  const row = /^([CMO])([:|])(?: (.*))?$/.exec(line)
  const wait = /^wait (\d+)$/.exec(line)
  if (line === 'tls' || line === 'end') turns.push({ kind: line })
  else if (wait !== null) turns.push({ kind: 'wait', replies: Number(wait[1]) })
  else {
    assert.ok(row !== null, `${where}: no such row: ${line}`)
    const [, what, joint, text = ''] = row
    const write = {
      kind: 'write',
      octets: octetsOf({ line: 0, at: 0, what: what === 'O' ? 'C~' : 'C:', text }),
      told: [`${what}: ${text}`],
      replies: what === 'C' ? 1 : 0,
    } as const
    const last = turns.at(-1)
    if (joint === ':') {
      turns.push(write)
      return
    }
    assert.ok(last?.kind === 'write', `${where}: there is no write before it to be joined to`)
    turns[turns.length - 1] = {
      kind: 'write',
      octets: Buffer.concat([last.octets, write.octets]),
      told: [...last.told, `${what}| ${text}`],
      replies: last.replies + write.replies,
    }
  }
}

const folder = new URL('../../comparison/dialogues/', import.meta.url)

/** Every dialogue, by theme, in the order of the files' names. */
export function readScripts(): readonly Script[] {
  const files = readdirSync(folder).sort()
  return files.flatMap(file => parseScripts(file, readFileSync(new URL(file, folder), 'utf8')))
}
