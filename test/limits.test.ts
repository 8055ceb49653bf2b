import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configSchema } from '@sallyport/proxy/config/schema.js'
import { constantOf } from './limits/bound.ts'
import { renderLimits } from './limits/document.ts'
import { parts } from './limits/table.ts'

const root = new URL('../../', import.meta.url)
const bounds = parts.flatMap(({ rows }) => rows.map(({ bound }) => bound))

test('docs/limits.md is what the table and the program make (npm run reference)', () => {
  assert.equal(readFileSync(new URL('docs/limits.md', root), 'utf8'), renderLimits())
})

test('every key of limits and timeouts has its row', () => {
  const named = new Set(bounds.flatMap(bound => ('key' in bound ? [bound.key] : [])))
  for (const section of ['limits', 'timeouts']) {
    for (const key of Object.keys(configSchema().properties?.[section]?.properties ?? {})) {
      assert.ok(named.has(`${section}.${key}`), `${section}.${key}`)
    }
  }
})

/** Bounds of what no peer decides on: the doctor's, and of texts that are shown. */
const others = ['doctor/', 'config/parse.ts', 'config/path.ts', 'backend-dialogue.ts', 'store/memory/client-lines.ts']

test('every constant of the program that is named for the most of something has its row', () => {
  const sources = new URL('packages/proxy/src/', root)
  const named = new Set(bounds.flatMap(bound => ('key' in bound ? [] : [`${bound.file} ${bound.name}`])))
  const found: string[] = []
  for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || others.some(other => file.startsWith(other))) continue
    const text = readFileSync(new URL(file, sources), 'utf8')
    for (const [, name] of text.matchAll(
      /^(?:export )?const (most[A-Z]\w*|longest(?:Line|Block|File)|\w+Limit) = [\d_]/gm,
    )) {
      // It joins pieces, and keeps nothing out.
      if (name !== 'pieceLimit') found.push(`proxy/src/${file} ${name}`)
    }
  }
  assert.ok(found.length >= 15)
  assert.deepEqual(
    found.filter(each => !named.has(each)),
    [],
  )
})

test('a constant that is not there, or is no number, is told', () => {
  assert.equal(constantOf('proxy/src/smtp/reply.ts', 'limits.line'), 4096)
  assert.throws(() => constantOf('proxy/src/smtp/reply.ts', 'limits.words'), /no constant/)
  assert.throws(() => constantOf('proxy/src/smtp/reply.ts', 'isPositive'), /no constant/)
})
