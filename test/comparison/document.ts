import { differences } from './differences.ts'
import { readScripts, type Script } from './script.ts'

const introduction = `# Transparency

<!-- Made by \`npm run reference\` from test/comparison/. Changes belong there. -->

What a client can tell of the gate. Each dialogue below is held with a Postfix itself, and then with the gate in front of the same
Postfix, which hears the client's address in a PROXY v2 header:

- by a **stranger**, whom the gate has never seen;
- by a client that is **known**;
- by one that is known to a gate with \`connect: greeting\`, so that the backend is **opened** before the first word.

Every reply is compared octet for octet; so are the messages that were delivered (notifications too), and what Postfix logged of
clients, recipients and messages. Queue ids, times and the clients' own addresses are made alike before, and nothing else. Passwords
are taken in the clear here (\`auth: always\`).

\`npm test -- test/e2e/comparison.test.ts\` does it, and fails for a difference that is not in the list, and for one in the list that
no dialogue shows any more.
`

const signs = `\`C:\` is a line of the client's whose reply is awaited, \`C|\` one in the same write as the row before; \`M:\` a line of a message;
\`O:\` octets without an end of line of their own. Behind the last row the client closes its half and listens to the end.
`

/** docs/transparency.md. */
export function renderTransparency(): string {
  const scripts = readScripts()
  const themes = [...new Set(scripts.map(({ theme }) => theme))]
  return [
    introduction,
    '## The differences, and why\n',
    ...differences.map(({ title, ways, reason }) => `**${title}** (${ways.join(', ')}). ${reason}\n`),
    `## The ${scripts.length} dialogues\n`,
    signs,
    ...themes.flatMap(theme => [
      `## ${theme}\n`,
      ...scripts.filter(script => script.theme === theme).map(renderScript),
    ]),
  ].join('\n')
}

function renderScript({ sentence, turns }: Script): string {
  const rows = turns.flatMap(turn => {
    if (turn.kind === 'write') return turn.told
    return [turn.kind === 'wait' ? `(${turn.replies} ${turn.replies === 1 ? 'reply' : 'replies'})` : `(${turn.kind})`]
  })
  return `**${sentence}**\n\n\`\`\`\n${rows.join('\n')}\n\`\`\`\n`
}
