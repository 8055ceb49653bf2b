import { pathText } from './path.ts'
import { configSchema, type SchemaNode } from './schema.ts'
import { wanted } from './wording.ts'

/** The configuration reference as Markdown: every key with its kind, default and meaning. */
export function renderReference(): string {
  const schema = configSchema()
  const sections = Object.entries(schema.properties ?? {})
  const alone = sections.filter(([name, node]) => name === 'backend' || keysUnder(node).length === 0)
  const others = sections.filter(([name, node]) => name !== 'checks' && keysUnder(node).length > 0)
  return [
    introduction,
    '## The keys by themselves\n',
    table(alone.flatMap(([name, node]) => (name === 'backend' ? [row([name], node)] : rowsOf([name], node)))),
    ...others.flatMap(([name, node]) => [
      `## ${name}\n`,
      `${node.description ?? ''}\n`,
      table(rowsUnder([name], node)),
    ]),
    renderChecks(schema.properties?.['checks'] ?? {}),
  ].join('\n')
}

const introduction = `# Configuration

<!-- Made by \`npm run reference\` from packages/proxy/src/config/. Changes belong there. -->

One YAML file: the one named by \`-c\`, else \`sallyport.yaml\` in the working directory, else \`/etc/sallyport/sallyport.yaml\`.
Every key has a default, and without a file all of them hold. [deploy/sallyport.example.yaml](../deploy/sallyport.example.yaml)
is one to start from. \`sallyport\` stands for \`node packages/proxy/dist/cli.js\`.

- \`sallyport check -c FILE\` tells everything that is wrong at once, as \`file:line:column path: what was found, what would do\`,
  and exits with 78 then; with 0 when the gate would start. What is legal and may well be a mistake is a warning.
- \`sallyport config -c FILE\` prints the configuration with all defaults; passwords as \`***\`.
- \`sallyport schema\` prints the JSON Schema, for editors: [deploy/sallyport.schema.json](../deploy/sallyport.schema.json).

SIGHUP reads the file again: the new values hold for new sessions; how mail counts and fades (\`reputation\`, \`checks.reputation.threshold\`) at once for all. A file with an error is not taken, nor one in which \`hostname\`, \`listen\`,
\`admin\` or \`store\` has changed, or \`backend\` from or to \`embedded\`: those need a restart. The log says what was done.

A **duration** is a number with one unit: \`50ms\`, \`6s\`, \`5m\`, \`1h\`, \`30d\`. A **size** is a number of octets, or one with \`k\`, \`M\` or \`G\`.
A **network** is \`192.0.2.0/24\`, \`2001:db8::/32\` or one address. \`true\` and \`false\` are the only words for yes and no.

Inside any text value \`\${NAME}\` stands for a variable of the environment and \`\${file:/run/secrets/name}\` for what is in a file,
without the line end at its end; \`$\${\` is a plain \`\${\`. Errors never show what they stand for.
`

export interface Row {
  readonly name: string
  readonly kind: string
  readonly preset: string
  readonly about: string
}

export function row(path: readonly string[], node: SchemaNode): Row {
  return { name: pathText(path), kind: kindOf(node), preset: presetOf(node), about: node.description ?? '' }
}

/** One row for each key below; lists of keyed items have one for each key of an item, `zones[].weight`. */
function rowsUnder(path: readonly string[], node: SchemaNode): Row[] {
  return keysUnder(node).flatMap(([name, child]) => rowsOf([...path, name], child))
}

function rowsOf(path: readonly string[], node: SchemaNode): Row[] {
  if (node.items !== undefined) {
    const items = keysUnder(node.items).map(([key, leaf]) => ({
      ...row([], leaf),
      name: `${pathText(path)}[].${key}`,
    }))
    return [row(path, node), ...items]
  }
  return keysUnder(node).length > 0 ? rowsUnder(path, node) : [row(path, node)]
}

export function keysUnder(node: SchemaNode): [string, SchemaNode][] {
  return [node, ...(node.anyOf ?? [])].flatMap(branch => Object.entries(branch.properties ?? {}))
}

function kindOf(node: SchemaNode): string {
  if (node.items !== undefined) return `list: ${wanted(node.items)}`
  if (node.enum !== undefined) return node.enum.join(', ')
  return wanted(node.default === undefined ? node : { ...node, examples: [] })
}

function presetOf(node: SchemaNode): string {
  if (node.default === undefined || keysUnder(node).length > 0) return ''
  if (!Array.isArray(node.default)) return `\`${String(node.default)}\``
  return node.default.length === 0 ? 'none' : `\`${JSON.stringify(node.default)}\``
}

export function table(rows: readonly Row[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const lines = rows.map(({ name, kind, preset, about }) => {
    return `| \`${name}\` | ${preset} | ${cell(kind)} | ${cell(about)} |`
  })
  return ['| Key | Default | Value | Meaning |', '| --- | --- | --- | --- |', ...lines, ''].join('\n')
}

function renderChecks(node: SchemaNode): string {
  const first = keysUnder(node)[0]?.[1] ?? {}
  const common = keysUnder(first).map(([key, leaf]) => ({ ...row([], leaf), name: `checks.<name>.${key}`, preset: '' }))
  const text = `${node.description ?? ''} Each check, with its own keys and defaults: [checks.md](checks.md).`
  return [`## checks\n`, `${text}\n`, actionsText, table(common.slice(0, 6))].join('\n')
}

const actionsText = `The actions are

- \`observe\`: written to the log and counted, nothing else;
- \`score\`: its points are added to the score of the client; see [score](#score);
- \`defer\`: 4xx to the recipient command: come back later;
- \`refuse\`: 5xx to the recipient command;
- \`decoy\`: the client talks to a server of the gate's own, which refuses its message at the end;
- \`trap\`: 5xx to the recipient command, an octet a second;
- \`drop\`: refused at once, and the connection closed.
`

/** The JSON Schema as the file that editors read. */
export function renderSchema(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`
}
