import { writeDocument } from './document.ts'
import { configSchema } from './schema.ts'
import { nodeAt } from './wording.ts'

interface Line {
  readonly path: readonly string[]
  readonly value: unknown
  /** Only suggested: commented out. */
  readonly off?: true
}

/** What somebody who sets up a gate looks at first. The comments are the meanings of the keys. */
const shown: readonly Line[] = [
  { path: ['listen'], value: ['127.0.0.1:2525'] },
  { path: ['hostname'], value: 'mx1.example.com', off: true },
  { path: ['backend', 'address'], value: 'embedded' },
  { path: ['backend', 'address'], value: '127.0.0.1:10025', off: true },
  { path: ['backend', 'identity'], value: 'proxy_v2' },
  { path: ['routes'], value: [{ domains: ['example.org', '*.example.net'], backend: '10.0.1.1:25' }], off: true },
  { path: ['recipient_domains'], value: ['example.com', 'example.org'], off: true },
  { path: ['trusted_proxies'], value: ['192.0.2.10', '192.0.2.11'], off: true },
  { path: ['greet', 'wait'], value: '6s' },
  { path: ['access', 'allow'], value: ['192.0.2.0/24', '2001:db8::/32'], off: true },
  { path: ['access', 'deny_files'], value: ['/etc/sallyport/deny'], off: true },
  {
    path: ['dnsbl', 'zones'],
    value: ['zen.spamhaus.org=127.0.0.[2..11]*3', 'list.dnswl.org=127.0.[0..255].[1..3]*-2'],
    off: true,
  },
  { path: ['checks', 'pregreet', 'action'], value: 'observe', off: true },
  { path: ['checks', 'dnsbl', 'action'], value: 'observe' },
  { path: ['checks', 'dnsbl', 'threshold'], value: 3 },
  { path: ['store', 'kind'], value: 'memory' },
  { path: ['store', 'kind'], value: 'redis', off: true },
  { path: ['store', 'url'], value: 'redis://127.0.0.1:6379', off: true },
  { path: ['store', 'password'], value: `\${file:/run/secrets/redis}`, off: true },
  { path: ['admin', 'listen'], value: '127.0.0.1:9525' },
  { path: ['log', 'level'], value: 'info' },
]

const head = `# yaml-language-server: $schema=sallyport.schema.json
#
# Sallyport, an example to start from. What is left out keeps its default; docs/configuration.md has every key.
# Try a change with: sallyport check -c FILE
# Lines that begin with a # and no space after it are suggestions.
`

/** A file that works as it stands: the gate on port 2525 in front of the embedded mail server. */
export function renderExample(): string {
  let text = head
  shown.forEach((line, i) => {
    const before = shown[i - 1]?.path ?? []
    line.path.forEach((key, depth) => {
      const path = line.path.slice(0, depth + 1)
      const isNew = path.some((step, j) => step !== before[j])
      const isLeaf = depth === line.path.length - 1
      if (!isNew && !isLeaf) return
      if (depth === 0) text += '\n'
      if (isNew) text += comment(nodeAt(configSchema(), path)?.description ?? '', depth)
      text += isLeaf ? entry({ [key]: line.value }, depth, line.off === true) : entry(key, depth, isOff(path))
    })
  })
  return text
}

/** A section of which nothing but suggestions is shown is one itself: it may not stand there empty. */
function isOff(path: readonly string[]): boolean {
  return shown.every(line => line.off === true || path.some((step, i) => step !== line.path[i]))
}

function comment(about: string, depth: number): string {
  return `${'  '.repeat(depth)}# ${about}\n`
}

function entry(entry: string | object, depth: number, off: boolean): string {
  const lines = typeof entry === 'string' ? [`${entry}:`] : writeDocument(entry).trimEnd().split('\n')
  return lines.map(line => `${'  '.repeat(depth)}${off ? '#' : ''}${line}\n`).join('')
}
