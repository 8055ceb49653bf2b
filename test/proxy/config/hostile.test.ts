import assert from 'node:assert/strict'
import test from 'node:test'
import { parseConfig } from '@sallyport/proxy/config/parse.js'
import fc from 'fast-check'
import { stopwatch } from '../../support/stopwatch.ts'

function reading(text: string): readonly string[] {
  const parsed = parseConfig(text, 'h.yaml', { A: 'secret-a', B: '5s' })
  if ('config' in parsed) return []
  assert.ok(parsed.problems.length > 0, 'neither a configuration nor a problem')
  return parsed.problems
}

/** Fails unless the text is a configuration, or has problems which all have their place. */
function holds(text: string): void {
  const lines = text.split('\n').length
  for (const problem of reading(text)) {
    const place = /^h\.yaml:([1-9]\d*):([1-9]\d*) [^\n]+: [^\n]+$/.exec(problem)
    assert.ok(place !== null && Number(place[1]) <= lines, problem)
    assert.ok(!problem.includes('secret-a'), problem)
  }
}

const names =
  'listen backend address identity none greet wait networks network dnsbl zones zone checks pregreet action again drop ' +
  'store kind redis url password ttl min max true 127.0.0.1:25 ::1 10.0.0.0/8 6s 6 -1 0 .nan 1e999 0x1f null ~ x ' +
  'redis://h zen.example=127.0.0.[2..4]*2 embedded off __proto__ constructor toString <<'
const word = fc.constantFrom(...names.split(' '), `\${A}`, `\${B}`, `\${`, '9'.repeat(40))
const marks =
  ': |:|\n|\n  |\n    |- |\n- |[|]|{|}|, |"|\'|#| # |&a |*a|!t |>\n|? |\t|\r\n|---\n|...\n|%YAML 1.2\n|\0|\ufeff|\u2028|\ud800|@|`|\\'
const mark = fc.constantFrom(...marks.split('|'), '|\n')

test('hostile: whatever the text, it is a configuration or has problems that each begin with a place in the file', () => {
  const yamlish = fc.array(fc.oneof(word, mark), { maxLength: 40 }).map(parts => parts.join(''))
  fc.assert(fc.property(yamlish, holds), { numRuns: 1500 })
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), holds), { numRuns: 500 })
})

test('hostile: whatever the values under the known keys, it is a configuration or has problems with a place', () => {
  const leaf = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string())
  const list = fc.array(leaf, { maxLength: 3 })
  const inner = fc.dictionary(word, fc.oneof(leaf, list), { maxKeys: 4 })
  const outer = fc.dictionary(word, fc.oneof(leaf, list, inner, fc.array(inner, { maxLength: 3 })), { maxKeys: 4 })
  // JSON is YAML.
  const written = fc
    .dictionary(word, fc.oneof(leaf, list, inner, outer), { maxKeys: 6 })
    .map(value => JSON.stringify(value))
  fc.assert(fc.property(written, holds), { numRuns: 1500 })
})

const many = 200_000
const letters = [...'abcdefghijklmnopqrstuvwxyz']
const doubled = letters.slice(1).map((name, i) => `${name}: &${name} [*${letters[i]}, *${letters[i]}]\n`)

const bombs: readonly (readonly [name: string, text: string])[] = [
  ['lists in brackets', '['.repeat(many)],
  ['keys in braces', '{a: '.repeat(many)],
  ['lists in one line', '- '.repeat(many)],
  ['explicit keys', '? '.repeat(many)],
  ['keys in one line', 'a: '.repeat(many)],
  ['indentation', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
  ['an alias in itself', 'a: &a [*a, *a]'],
  ['an alias in itself, far down', `a: &a ${'['.repeat(50)}*a${']'.repeat(50)}`],
  ['aliases of aliases', `a: &a [x, x]\n${doubled.join('')}`],
  ['a large value many times', `a: &a [${'x, '.repeat(20_000)}x]\nb: [*a, *a, *a, *a]`],
  ['more than a megabyte', '# '.repeat(600_000)],
  ['more than a megabyte of UTF-8', `# ${'ä'.repeat(600_000)}`],
]

for (const [name, text] of bombs) {
  test(`hostile: ${name} end in one problem, and soon`, () => {
    const took = stopwatch()
    const [problem, ...others] = reading(text)
    assert.match(problem ?? '', /^h\.yaml:\d+:\d+ yaml: found (?:more than|aliases)/)
    assert.deepEqual(others, [])
    assert.ok(took() < 5000)
  })
}

test('hostile: aliases within reason are taken', () => {
  const parsed = parseConfig('access: { allow: &ours [192.0.2.0/24] }\nhealth_checks: *ours\n', 'h.yaml', {})
  assert.ok('config' in parsed)
  assert.equal(parsed.config.healthChecks.length, 1)
  assert.deepEqual(parsed.config.healthChecks, parsed.config.access.allow)
})
