import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bots } from './bots/index.ts'
import { renderZoo } from './document.ts'
import { senders } from './senders/index.ts'

test('docs/zoo.md is what the animals make (npm run reference)', () => {
  assert.equal(readFileSync(new URL('../../../docs/zoo.md', import.meta.url), 'utf8'), renderZoo())
})

test('every animal has a name of its own', () => {
  const names = [...bots, ...senders].map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})
