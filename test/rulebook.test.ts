import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const docs = new URL('../../docs/', import.meta.url)

interface Row {
  readonly demand: string
  readonly number: string
  readonly links: readonly { readonly title: string; readonly path: string }[]
}

const rows: readonly Row[] = readFileSync(new URL('rulebook.md', docs), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| ') && !/^\| (?:Demand|---) /.test(line))
  .map(line => {
    const [demand = '', number = '', shown = ''] = line.slice(2, -2).split(' | ')
    const links = [...shown.matchAll(/\[(.*?)\]\(([^()]*)\)/g)].map(([, title = '', path = '']) => ({ title, path }))
    return { demand, number, links }
  })

const textAt = (path: string) => readFileSync(new URL(path, docs), 'utf8')

test('every demand is there once, and somebody shows it', () => {
  assert.ok(rows.length > 70)
  for (const { demand, links } of rows) assert.ok(demand !== '' && links.length > 0, demand)
  assert.equal(new Set(rows.map(({ demand }) => demand)).size, rows.length, 'no row twice')
})

test('every link leads to a transcript of its name, or to a file in which its words are a title', () => {
  for (const { title, path } of rows.flatMap(({ links }) => links)) {
    assert.match(path, /^\.\.\/test\/.*\.(?:smtp|ts)$/)
    assert.ok(existsSync(new URL(path, docs)), `${path} is not there`)
    if (path.endsWith('.smtp')) assert.equal(path, `../test/transcripts/${title}.smtp`)
    else
      assert.ok(
        ["'", '"', '`'].some(mark => textAt(path).includes(mark + title + mark)),
        `${path}: no ${title}`,
      )
  }
})

test('every number stands in a test as the document has it', () => {
  let count = 0
  for (const { number, links } of rows) {
    const texts = links.map(({ path }) => textAt(path))
    for (const [, code = ''] of number.matchAll(/`([^`]*)`/g)) {
      assert.ok(
        texts.some(text => text.includes(code)),
        `${code} is in none of ${links.map(({ path }) => path).join(', ')}`,
      )
      count++
    }
  }
  assert.ok(count > 25, `${count}`)
})
