import { type Sighting, type Step, zooPresets } from './animal.ts'
import { bots } from './bots/index.ts'
import { senders } from './senders/index.ts'

const introduction = `# The zoo

<!-- Made by \`npm run reference\` from test/zoo/. Changes belong there. -->

Bots and honest senders, let at three gates in front of a Postfix. Nothing is set but the preset, a test's DNS server and the usual: names, a
certificate, the backend; the pauses are those of the presets. Each bot comes as a stranger from a network of its own. The Postfix puts up
with everything that the gate is there to stop: bare newlines, any number of errors.

What is said of each bot below ("The backend never sees it.") holds for each preset: for \`gentle\`, the default, too.

\`npm test -- test/zoo\` plays it all, and fails where anything below is otherwise, but for times, which may be 6 s longer on a busy machine.
`

const about = `Each row says to what the first refusal was the answer, which check decided (\`limit\`: a bound on connections), how many seconds after the
connection, and what the backend saw of all visits together: connections, recipients that it did not know, and messages that it took.
A bot leaves when a reply takes more than 15 s, or 38 s are over.
`

const aboutSenders = `Two messages each, as a stranger whose DNS is in order (name, address, MX, SPF), through a balancer of its own that says who it is. A message
that was deferred is sent again by the user of a program that has no queue. Seconds are those from the connection to the backend's
answer to the recipient, in the session that brought the message.
`

const aboutForwarders = `The mail servers again, as strangers who are suspect: they forward mail and keep its senders, whose domains let nobody else write for them (SPF fails). The
first message is of one sender to one recipient, and the second, when the first is through, of another sender to another recipient. Greylisting asks for the first to
come again, after 2 s here, after 5 min by default and after 25 min in \`strict\`; their queues do, set to seconds as well. For the second nobody is asked.
`

const signs = `\`C:\` is a line of the bot's, several without a remark between are one write; \`(reply)\` waits for a reply, \`(good reply)\` leaves when it
is a refusal.
`

/** docs/zoo.md. */
export function renderZoo(): string {
  return [
    introduction,
    '## Bots\n',
    about,
    ...table(
      ['Bot', 'Preset', 'Came to', 'By', 'After', 'Connections', 'Unknown', 'Messages'],
      bots.flatMap(({ name, expected }) => zooPresets.map(preset => [name, preset, ...cellsOf(expected[preset])])),
    ),
    '',
    '## Real senders\n',
    aboutSenders,
    ...table(
      ['Sender', 'Preset', 'Deferred', 'Refused', 'First message', 'Second message'],
      senders.flatMap(({ name, expected }) =>
        zooPresets.map(preset => {
          const [first, second, deferrals] = expected[preset]
          return [name, preset, deferrals === 0 ? 'never' : 'once', 'never', `${first} s`, `${second} s`]
        }),
      ),
    ),
    '',
    ...senders.map(({ name, about: habit }) => `- **${name}.** ${habit}`),
    '',
    '## Forwarders\n',
    aboutForwarders,
    ...table(
      ['Forwarder', 'Presets', 'First message', 'By', 'Second message', 'What runs its queue'],
      senders.flatMap(({ name, queue }) =>
        queue === undefined ? [] : [[name, 'each', 'deferred once, then taken', '`greylist`', 'taken at once', queue]],
      ),
    ),
    '',
    '## What the bots do\n',
    signs,
    ...bots.map(
      ({ name, about: habit, demand, waves }) =>
        `### ${name}\n\n${habit} ${demand.words}\n\n\`\`\`\n${script(waves[0]?.[0]?.steps ?? []).join('\n')}\n\`\`\`\n`,
    ),
  ].join('\n')
}

function cellsOf({ fate, by, after, sessions, unknown, messages }: Sighting): string[] {
  const names = by.map(check => `\`${check}\``).join(', ')
  return [fate, names === '' ? '-' : names, `${after} s`, `${sessions}`, `${unknown}`, `${messages}`]
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)

/** Most lines of one write, or steps of one kind, that are shown. */
const mostShown = 24

function script(steps: readonly Step[]): string[] {
  const lines = steps.flatMap(linesOf)
  return lines.length <= mostShown ? lines : [...lines.slice(0, mostShown), `(and so on: ${lines.length} lines in all)`]
}

function linesOf(step: Step): string[] {
  switch (step.does) {
    case 'say': {
      const said = (step.octets.match(/[^\n]*\n|[^\n]+$/g) ?? []).map(line => `C: ${shown(line)}`)
      return step.every === undefined ? said : [...said, `(each octet by itself, ${step.every} ms apart)`]
    }
    case 'line':
      return ['(a line)']
    case 'hear':
      return ['(reply)']
    case 'heed':
      return ['(good reply)']
    case 'wait':
      return [`(${step.ms} ms)`]
    case 'listen':
      return ['(replies, until the server closes)']
    case 'tls':
      return ['(TLS)']
    case 'meet':
      return ['(until all have come so far)']
    default:
      return step satisfies never
  }
}

/** An honest CR LF is not shown; everything else that cannot be seen is. */
const shown = (line: string): string => JSON.stringify(line.replace(/(?<!\r)\r\n$/, '')).slice(1, -1)
