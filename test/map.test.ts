import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { missingIn } from './support/laws.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const map = /```\n(packages\/rules\/[\s\S]*?)```/.exec(read('ARCHITECTURE.md'))?.[1] ?? ''

const foldersIn = (path: string): readonly string[] =>
  readdirSync(new URL(path, root), { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'dist')
    .map(({ name }) => name)

describe('the map of the house', () => {
  test('has every folder of the sources, of the tests and of the store', () => {
    const folders = ['packages/rules/src/', 'packages/proxy/src/', 'packages/proxy/src/store/', 'test/'].flatMap(
      foldersIn,
    )
    assert.ok(folders.length > 30)
    assert.deepEqual(
      folders.filter(folder => !new RegExp(`(?<![\\w-])${folder}/`).test(map)),
      [],
    )
  })

  test('names what is there: each word with a hyphen is a file or the beginning of one', () => {
    const names = ['packages/rules/src/', 'packages/proxy/src/'].flatMap(path =>
      readdirSync(new URL(path, root), { recursive: true, encoding: 'utf8' }).map(each => each.replace(/^.*\//, '')),
    )
    const named = [...map.matchAll(/(?<![\w-])[a-z]+(?:-[a-z]+)+(?![\w-])/g)].map(([word]) => word)
    assert.ok(named.length > 30)
    assert.deepEqual(
      named.filter(
        word => !names.some(name => name === word || name.startsWith(`${word}.`) || name.startsWith(`${word}-`)),
      ),
      [],
    )
  })
})

test('a source file that a document names is there', () => {
  const paths = ['packages/rules/src/', 'packages/proxy/src/', 'test/'].flatMap(folder =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map(path => `${folder}${path}`),
  )
  const documents = [
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'README.md',
    ...['docs', 'deploy'].flatMap(folder =>
      readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`),
    ),
  ].filter(document => document.endsWith('.md'))
  const missing = documents.flatMap(document =>
    missingIn(read(document), paths).map(named => `${document} names ${named}`),
  )
  assert.deepEqual(missing, [])
})
