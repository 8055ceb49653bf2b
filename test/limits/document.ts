import { mostEach } from '../faults/measure.ts'
import { boundText } from './bound.ts'
import type { Row } from './row.ts'
import { lost, type Part, parts } from './table.ts'

const introduction = `# Limits

<!-- Made by \`npm run reference\` from test/limits/. Changes belong there. -->

Every bound of the gate. A **key** can be set ([configuration.md](configuration.md) has its range); the others are fixed. The numbers are read
from the program. \`HOST\` stands for the gate's name, \`ID\` for the session's reference, which its log line has too; texts are the gate's own, and
"ours" is a number that no standard gives.

## Memory of a session

At most ${mostEach / 1024} KiB, whatever either side does: \`test/faults/slow.test.ts\` and \`test/faults/slow-tls.test.ts\` measure it, with thirty to two hundred
clients that pour and do not read, in front of backends that do not read, or answer without an end, in a process that collects its garbage first.

Who cannot send on is not read from, both ways. A socket that is held still takes one read of at most 64 KiB, and no more; so a session has, at
the worst, two of those in the direction that is stuck, and in TLS that is passed through, where both directions may be, four at the most. Where
the gate ends TLS, OpenSSL has 45 KiB for each side, and a copy of what it could not send. Messages are streamed: their size costs nothing.

One way to more is known: a client that makes a record of TLS of every octet. All records of the read in which it is held are given out one by
one, some 2,850, and the engine keeps 100 to 200 octets with each: 340 to 600 KiB (measured with Node 20, 24 and 26). Nothing more is read.

What the gate does not count: the recipients of a transaction, which it passes on one by one and does not hold (RFC 5321 4.5.3.1.8 asks for 100 at
least; the backend decides), and the size of a message, which is the backend's \`SIZE\`.
`

/** docs/limits.md. */
export function renderLimits(): string {
  return [introduction, `${lost}\n`, ...parts.map(renderPart)].join('\n')
}

function renderPart({ title, rows }: Part): string {
  const head = ['| What | At most | Key | When it is reached | The number |', '| --- | --- | --- | --- | --- |']
  return [`## ${title}\n`, ...head, ...rows.map(renderRow), ''].join('\n')
}

function renderRow({ what, bound, follows, source }: Row): string {
  const cells = [what, boundText(bound), 'key' in bound ? `\`${bound.key}\`` : 'fixed', follows, source]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
