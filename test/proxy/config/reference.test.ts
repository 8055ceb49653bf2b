import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { renderCheckPages } from '@sallyport/proxy/config/check-pages.js'
import { readDocument } from '@sallyport/proxy/config/document.js'
import { renderExample } from '@sallyport/proxy/config/example.js'
import { defaultConfig, parseConfig } from '@sallyport/proxy/config/parse.js'
import { renderReference, renderSchema } from '@sallyport/proxy/config/reference.js'
import { renderConfig, writtenOf } from '@sallyport/proxy/config/render.js'
import { configSchema, type SchemaNode } from '@sallyport/proxy/config/schema.js'
import { checks, makePlan } from '@sallyport/rules'
import { configOf } from '../../support/config.ts'

const root = new URL('../../../../', import.meta.url)
const committed = (name: string) => readFileSync(new URL(name, root), 'utf8')

test('reference: the committed files are those that the keys make (npm run reference)', () => {
  assert.equal(committed('docs/configuration.md'), renderReference())
  assert.equal(committed('docs/checks.md'), renderCheckPages())
  assert.equal(committed('deploy/sallyport.example.yaml'), renderExample())
  assert.equal(committed('deploy/sallyport.schema.json'), renderSchema())
})

type Node = SchemaNode & { readonly pattern?: string; readonly required?: readonly string[] }

/** As much of JSON Schema as ours uses. */
function fits(value: unknown, node: Node): boolean {
  if (node.anyOf !== undefined) return node.anyOf.some(branch => fits(value, branch))
  if (Array.isArray(node.type)) return node.type.some(type => fits(value, { ...node, type }))
  if (node.enum !== undefined) return node.enum.includes(value)
  switch (node.type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) && fitsKeys(value, node)
    case 'array':
      return Array.isArray(value) && value.every(item => node.items !== undefined && fits(item, node.items))
    case 'string':
      return typeof value === 'string' && new RegExp(node.pattern ?? '').test(value)
    case 'integer':
      return Number.isInteger(value) && Number(value) >= (node.minimum ?? 0) && Number(value) <= (node.maximum ?? 0)
    case 'boolean':
      return typeof value === 'boolean'
    case 'null':
      return value === null
    default:
      throw new Error(`unknown type ${node.type}`)
  }
}

function fitsKeys(value: object, node: Node): boolean {
  const known = Object.entries(value).every(([key, inner]) => {
    const child = node.properties?.[key]
    return child !== undefined && fits(inner, child)
  })
  return known && (node.required ?? []).every(key => key in value)
}

const isInSchema = (text: string) => fits(readDocument(text, value => ({ value })).value, configSchema())

test('reference: the example is a configuration by parser and by schema, and changes no default', () => {
  const example = renderExample()
  assert.ok(example.split('\n').length <= 100)
  assert.ok(isInSchema(example))
  const parsed = parseConfig(example, 'example', {})
  assert.deepEqual('config' in parsed ? parsed.warnings : parsed.problems, [])
  const { policy, ...others } = configOf(example)
  const { policy: _, ...defaults } = defaultConfig()
  assert.deepEqual(others, defaults)
  const actions = makePlan(policy).checks.map(({ action, again }) => [action, again])
  assert.deepEqual(
    actions,
    makePlan({}).checks.map(({ action, again }) => [action, again]),
  )
})

test('reference: the example is a configuration with its suggestions taken, too', () => {
  // Of two values for one key, the suggestion stands second.
  const taken = renderExample()
    .replace(/^( *)#(?! \S|$)/gm, '$1')
    .replace(/^ {2}address: embedded\n|^ {2}kind: memory\n/gm, '')
    .replace(/password: .*/, 'password: x')
  assert.ok(!/^ *#[^ \n]/m.test(taken))
  const config = configOf(taken)
  assert.ok(isInSchema(taken))
  assert.equal(config.dnsbl.zones.length, 2)
  assert.equal(config.access.denyFiles.length, 1)
  assert.equal(config.store.kind, 'redis')
})

test('reference: the schema refuses what the parser refuses', () => {
  const wrong = ['lisen: []', 'greet: { wait: 6 }', 'log: { level: loud }', 'limits: { connections: 0 }', 'message: []']
  for (const text of wrong) {
    assert.ok(!isInSchema(text), text)
    assert.ok('problems' in parseConfig(text, 'w', {}), text)
  }
})

test('reference: every check and each of its options has a place, a default and a meaning', () => {
  const reference = renderCheckPages()
  for (const check of checks) {
    const node = configSchema().properties?.['checks']?.properties?.[check.name]
    const own = Object.keys(check.options)
    assert.deepEqual(Object.keys(node?.properties ?? {}), [
      'enabled',
      'action',
      'again',
      'points',
      'ttl',
      'breaker',
      ...own,
    ])
    for (const leaf of Object.values(node?.properties ?? {})) {
      assert.ok(leaf.default !== undefined && leaf.description !== undefined)
    }
    const text = reference.slice(reference.indexOf(`## ${check.name}\n`))
    assert.ok(text.includes(check.about) && text.includes(check.mistakes))
  }
})

const whole = `
hostname: mx.example.com
listen: [":25", "[::1]:2525"]
trusted_proxies: [192.0.2.10]
health_checks: [2001:db8::/64]
backend: { address: postfix:25, identity: xclient, i_know_the_backend_sees_the_gate: true }
recipient_domains: [example.com]
greet: { wait: 1500ms, networks: [{ network: 10.0.0.0/8, wait: 0s }] }
access: { allow: [192.0.2.1], deny_files: [/x] }
dnsbl: { zones: ["a.example=127.0.[0;2].[2..3]*-4", { zone: k.example, name: Public }], resolvers: [127.0.0.1] }
checks:
  pregreet: { action: drop }
  commands: { junk: 9, again: same }
  dnsbl: { enabled: false }
  pipelining: { again: drop }
score: { defer: 0, refuse: 7 }
offence_ttl: 90m
message: { bare_newline: refuse }
limits: { command_line: 1000 }
admin: { listen: off }
`
const several = `
backend: { servers: ["a:25", { address: "[::1]:25", weight: 3 }], pick: weight, queue: { length: 0 } }
routes:
  - { domains: [a.example, "*.b.example"], backend: "c:25" }
  - { domains: [d.example], backend: { servers: [{ address: "e:25", weight: 2 }], identity: xclient } }
`
const redis = 'store: { kind: redis, url: "redis://u:p@h", password: x, prefix: "a:" }'

test('reference: a configuration that is printed reads as the same configuration', () => {
  for (const text of ['', several, whole, whole + redis, `${whole}store: { file: b, clients: 100 }`]) {
    const config = configOf(text)
    const again = configOf(JSON.stringify(writtenOf(config, false)))
    assert.deepEqual({ ...again, policy: null }, { ...config, policy: null })
    assert.deepEqual(makePlan(again.policy), makePlan(config.policy))
  }
  const printed = configOf(renderConfig(defaultConfig()))
  assert.deepEqual({ ...printed, policy: null }, { ...defaultConfig(), policy: null })
})

test('reference: every check says where it comes from and who may fail it by mistake', () => {
  for (const { name, source, mistakes } of checks) assert.ok((source ?? '') !== '' && mistakes !== '', name)
})
